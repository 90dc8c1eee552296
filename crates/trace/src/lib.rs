//! The causal story of events and messages.
