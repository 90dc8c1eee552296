//! Each rule of a queue by itself.

mod harness;
mod standard;
