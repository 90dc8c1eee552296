//! What simulations are made of: whole lives of engines and services, out of a seed that alone decides what happens.
//!
//! For tests only, which is why it panics where something is not as it must be.

mod attempted;
mod chance;
mod faulty_store;
mod seeds;
mod turns;

pub use attempted::attempted;
pub use chance::Chance;
pub use faulty_store::FaultyStore;
pub use seeds::{for_each_seed, repeated_seed};
pub use turns::{cut_off, pass_turns, run_paused};
