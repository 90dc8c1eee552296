//! The one HTTP listener
