//! Concurrency that is set aside for single functions. Source: AWS Lambda developer guide, "Configuring reserved
//! concurrency" and "Configuring provisioned concurrency".
//!
//! The tables say what is wanted; [`provisioning`] tells the invoker.

mod progress;
mod provisionable;
pub(crate) mod provisioning;
mod reservation;
mod set_aside;

pub(crate) use progress::Progress;
pub(crate) use provisionable::{Provisionable, require_provisionable};
pub(crate) use reservation::{reserve, whole_function};
pub(crate) use set_aside::SetAside;

/// As much of an account's concurrency stays with functions for which none is reserved.
pub(crate) const UNRESERVED_MIN: u32 = 100;

/// What is said when `$LATEST` is asked for what it cannot have.
pub(crate) const NEITHER_ALIAS_NOR_VERSION: &str =
    "The function resource provided must be an alias or a published version.";

/// What is said when environments are wanted for `$LATEST`.
pub(crate) const UNPUBLISHED: &str =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
