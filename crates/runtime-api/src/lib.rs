//! The HTTP API that functions and extensions talk to
