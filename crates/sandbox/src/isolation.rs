//! What keeps functions apart on this host. What is missing is said, never silently dropped.

use serde::Serialize;

/// One fence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IsolationFeature {
    /// Its name, such as `seccomp`.
    pub name: &'static str,
    /// Whether it stands.
    pub active: bool,
    /// What it is made of, or why it is missing.
    pub detail: String,
    /// What an operator can do about it when it is missing.
    pub remedy: Option<String>,
}

/// All fences of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Isolation {
    /// In a word: `sandbox` or `process` (no isolation).
    pub level: &'static str,
    /// One by one.
    pub features: Vec<IsolationFeature>,
}

impl Isolation {
    /// The fences that are missing.
    pub fn missing(&self) -> impl Iterator<Item = &IsolationFeature> {
        self.features.iter().filter(|feature| !feature.active)
    }
}
