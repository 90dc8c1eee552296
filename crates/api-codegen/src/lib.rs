//! Generates the api crates from the models
