//! Functions: how they are named, checked, shown and changed.

mod reference;

pub(crate) use reference::FunctionReference;
