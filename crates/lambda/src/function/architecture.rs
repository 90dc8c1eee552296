//! The processor a function is for, and the one it runs on.
//!
//! A function of an interpreted runtime runs on whatever the host is: its architecture is kept and shown, and its log
//! says so when it starts. A custom runtime's package has a program in it that the host must be able to execute.

use api_lambda::Architecture as ApiArchitecture;
use runtimes::{Kind, Runtime};

use crate::errors::{Outcome, invalid_parameter};
use crate::tables::function::Architecture;

impl Architecture {
    /// The API's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    fn is_host(self) -> bool {
        let host = match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        };
        std::env::consts::ARCH == host
    }
}

/// The architecture that a request asks for, if it does.
///
/// # Errors
/// When it asks for none or several in a list.
pub(crate) fn requested_architecture(list: Option<&[ApiArchitecture]>) -> Outcome<Option<Architecture>> {
    match list {
        None => Ok(None),
        Some([ApiArchitecture::X8664]) => Ok(Some(Architecture::X86_64)),
        Some([ApiArchitecture::Arm64]) => Ok(Some(Architecture::Arm64)),
        Some(_) => Err(invalid_parameter("Architectures must have exactly one element: x86_64 or arm64.")),
    }
}

/// That this host can run functions of this runtime and architecture.
///
/// # Errors
/// `InvalidParameterValueException` for a custom runtime of another architecture than the host's.
pub(crate) fn check_architecture(runtime: &Runtime, architecture: Architecture) -> Outcome<()> {
    if runtime.kind == Kind::Custom && !architecture.is_host() {
        return Err(invalid_parameter(format!(
            "Functions of the runtime {} bring a program of their own, and this host cannot execute one for {}: it \
             is {}. Choose the host's architecture.",
            runtime.name,
            architecture.name(),
            std::env::consts::ARCH
        )));
    }
    Ok(())
}

/// What to tell the log of a function that runs on another architecture than it asks for.
pub(crate) fn mismatch(architecture: Architecture) -> Option<String> {
    (!architecture.is_host()).then(|| {
        format!(
            "The function asks for {}; this host is {}, and the function runs on that.",
            architecture.name(),
            std::env::consts::ARCH
        )
    })
}
