//! Which layer versions a list shows.

use api_lambda::{Architecture, Runtime};

use crate::tables::layer::LayerVersion;

/// The runtime and the architecture that a caller asks for. A version that names none is not known to be
/// compatible with any.
#[derive(Debug, Default)]
pub(crate) struct LayerFilter {
    runtime: Option<String>,
    architecture: Option<String>,
}

impl LayerFilter {
    pub(crate) fn new(runtime: Option<&Runtime>, architecture: Option<&Architecture>) -> Self {
        Self {
            runtime: runtime.map(|runtime| runtime.as_str().to_owned()),
            architecture: architecture.map(|architecture| architecture.as_str().to_owned()),
        }
    }

    pub(crate) fn accepts(&self, version: &LayerVersion) -> bool {
        names(version.compatible_runtimes.as_ref(), self.runtime.as_ref())
            && names(version.compatible_architectures.as_ref(), self.architecture.as_ref())
    }
}

fn names(compatible: Option<&Vec<String>>, wanted: Option<&String>) -> bool {
    wanted.is_none_or(|wanted| compatible.is_some_and(|compatible| compatible.contains(wanted)))
}
