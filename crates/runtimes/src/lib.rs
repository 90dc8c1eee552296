//! Runtime names, the host's interpreters for them, and our bootstraps.

mod bootstraps;

pub use bootstraps::{
    BOOTSTRAP_MJS, BOOTSTRAP_MJS_FILE, BOOTSTRAP_PY, BOOTSTRAP_PY_FILE, NODE_OPTIONS, PYTHON_OPTIONS,
    write_bootstraps,
};
