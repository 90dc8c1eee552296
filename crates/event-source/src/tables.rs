//! Records and their keys.
