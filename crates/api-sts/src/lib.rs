//! Generated types, schema and dispatch
