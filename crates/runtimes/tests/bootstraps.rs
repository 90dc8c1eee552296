//! The bootstraps under real interpreters, against a Runtime API of this test's own.

#[path = "bootstraps/fixture.rs"]
mod fixture;
#[path = "bootstraps/node.rs"]
mod node;
#[path = "bootstraps/python.rs"]
mod python;
