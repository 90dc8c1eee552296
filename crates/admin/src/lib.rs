//! Health, clock, cost and reset
