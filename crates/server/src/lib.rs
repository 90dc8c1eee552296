//! Builds every part; owns start, drain and stop
