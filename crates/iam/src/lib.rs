//! AWS Identity and Access Management as far as roles go, and the Security Token Service.
//!
//! Owns roles (global to an account, not of a region) and who may assume them. [`Iam`] answers both APIs and is the
//! [`targets::VendCredentials`] through which functions get their credentials.
//!
//! # What is evaluated and what is not
//! With [`auth::Mode::Strict`], the trust policy of a role decides who may assume it. **No other policy is evaluated**:
//! inline policies, attached policies and permissions boundaries are checked for their form, stored and shown again,
//! and whoever has valid credentials may do everything in the account. With [`auth::Mode::Off`], anybody may assume any
//! role, whether it exists or not.

mod caller;
mod credentials;
mod errors;
mod operations;
mod page;
mod policy;
mod role;
mod service;
mod tables;
mod tag;

pub use service::{Iam, IamParts};
