//! What is stored, and under which keys.

pub(crate) mod delivery;
pub(crate) mod fifo;
pub(crate) mod outbox;
pub(crate) mod publication;
pub(crate) mod signing_key;
pub(crate) mod sms;
pub(crate) mod subscription;
pub(crate) mod topic;
