//! The life of event source mappings, as the API tells of it.
