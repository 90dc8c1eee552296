//! What can be wrong with a request, in AWS's codes.

use std::fmt;

use crate::{Ref, Struct};

/// The answer to a request that was not fulfilled.
pub enum Error {
    /// An exception of the service's model.
    Modelled(Modelled),
    /// An error every service can answer with.
    Common(CommonError),
}

/// An exception of a model. Generated exceptions turn into it.
pub struct Modelled(pub Box<dyn Struct>);

/// An error that is in no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonError {
    /// AWS's code.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// Whether the sender is to blame.
    pub sender: bool,
    /// What is wrong.
    pub message: String,
}

impl Error {
    /// An error of the sender's.
    #[must_use]
    pub fn client(code: &str, status: u16, message: impl Into<String>) -> Self {
        Self::Common(CommonError { code: code.to_owned(), status, sender: true, message: message.into() })
    }

    /// Our own fault. The cause is logged where it happened, never shown.
    #[must_use]
    pub fn internal() -> Self {
        Self::Common(CommonError {
            code: "InternalFailure".to_owned(),
            status: 500,
            sender: false,
            message: "The request processing has failed because of an unknown error, exception or failure."
                .to_owned(),
        })
    }

    /// An operation of the model that no handler stands behind yet.
    #[must_use]
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Self::Common(CommonError {
            code: "NotImplemented".to_owned(),
            status: 501,
            sender: false,
            message: format!(
                "{service}:{operation} is not implemented by Lambent yet. \
                 docs/reference/coverage.md lists what is."
            ),
        })
    }

    /// A parameter that would have to be honoured and cannot be yet.
    #[must_use]
    pub fn unsupported(code: &str, what: &str) -> Self {
        Self::client(code, 400, format!("{what} is not supported by Lambent yet."))
    }

    /// The error's code: the shape's own where the model gives none.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Modelled(Modelled(shape)) => {
                let schema = shape.schema();
                schema.error.map_or(schema.name, |error| error.code)
            }
            Self::Common(common) => &common.code,
        }
    }

    /// The name of the shape, or the code of a common error.
    #[must_use]
    pub fn shape_name(&self) -> &str {
        match self {
            Self::Modelled(Modelled(shape)) => shape.schema().name,
            Self::Common(common) => &common.code,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Modelled(Modelled(shape)) => shape.schema().error.map_or(400, |error| error.status),
            Self::Common(common) => common.status,
        }
    }

    /// Whether the sender is to blame.
    #[must_use]
    pub fn sender(&self) -> bool {
        match self {
            Self::Modelled(Modelled(shape)) => shape.schema().error.is_none_or(|error| error.sender),
            Self::Common(common) => common.sender,
        }
    }

    /// What awsQuery says instead of the message.
    pub(crate) fn query_message(&self) -> Option<&'static str> {
        match self {
            Self::Modelled(Modelled(shape)) => shape.schema().error.and_then(|error| error.query_message),
            Self::Common(_) => None,
        }
    }

    /// What is wrong, if it says.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Common(common) => Some(&common.message),
            Self::Modelled(Modelled(shape)) => {
                let members = shape.schema().members;
                let index = members.iter().position(|member| member.name.eq_ignore_ascii_case("message"))?;
                match shape.field(index) {
                    Ref::String(message) => Some(message),
                    _ => None,
                }
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Modelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code(), self.status(), self.message().unwrap_or_default())
    }
}

impl std::error::Error for Error {}

impl From<CommonError> for Error {
    fn from(error: CommonError) -> Self {
        Self::Common(error)
    }
}
