//! Runtime names, the host's interpreters for them, and our bootstraps.

mod bootstraps;
mod names;
mod resolve;

pub use bootstraps::{
    BOOTSTRAP_MJS, BOOTSTRAP_MJS_FILE, BOOTSTRAP_PY, BOOTSTRAP_PY_FILE, NODE_OPTIONS, PYTHON_OPTIONS,
    write_bootstraps,
};
pub use names::{Kind, Runtime, RuntimeMissing};
pub use resolve::{Interpreter, Interpreters, Language, ResolveError};
