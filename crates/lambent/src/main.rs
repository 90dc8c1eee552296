//! The `lambent` command line.
fn main() {}
