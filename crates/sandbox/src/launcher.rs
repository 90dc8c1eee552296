//! The program outside the server that starts and ends functions.
//!
//! Forking and entering namespaces want a process with a single thread, which the server is not. So the server
//! executes itself once more as *guard* ([`main_if_requested`]); the guard opens a control group session and forks
//! the *launcher*, the first process of a pid namespace of its own. When the server dies, its socket closes and the
//! launcher ends; when the launcher ends, however it does, the kernel ends every process in its pid namespace, and
//! the guard removes the control groups. So nothing is left behind.

mod confine;
mod events;
mod guard;
mod init;
mod jail;
mod network;
mod pool;
mod prepare;
pub(crate) mod protocol;
mod start;
mod supervisor;
mod users;
mod workshop;
mod zygote;

pub use guard::{ARGUMENT, main_if_requested};
pub use protocol::PoolSizes;
