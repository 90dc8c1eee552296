//! SigV4 verification and credentials
