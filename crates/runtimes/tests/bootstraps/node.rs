//! The Node.js bootstrap.
