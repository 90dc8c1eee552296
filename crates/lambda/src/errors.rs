//! What can go wrong, and how the API says it.

use api_lambda::{
    InvalidParameterValueException, InvalidRequestContentException, InvalidRuntimeException,
    PolicyLengthExceededException, PreconditionFailedException,
    ProvisionedConcurrencyConfigNotFoundException, RecursiveInvocationException, RequestTooLargeException,
    ResourceConflictException, ResourceInUseException, ResourceNotFoundException, ServiceException,
};
use packages::PackageError;
use store::{CommitError, StoreError, TableError};
use wire::Error;

/// An operation that was not fulfilled.
#[derive(Debug)]
pub(crate) enum Failure {
    /// In the API's words.
    Answer(Error),
    /// Our own fault: the text is logged, not shown.
    Internal(String),
    /// Somebody else changed the same thing at the same time.
    Conflict,
}

impl Failure {
    /// For those who are not callers of the API.
    pub(crate) fn cause(self) -> String {
        match self {
            Self::Answer(error) => error.message().unwrap_or_default().to_owned(),
            Self::Internal(cause) => cause,
            Self::Conflict => "the function is being changed".to_owned(),
        }
    }
}

/// What operations return.
pub(crate) type Outcome<T> = Result<T, Failure>;

fn user() -> Option<String> {
    Some("User".to_owned())
}

/// 400 `InvalidParameterValueException`.
pub(crate) fn invalid_parameter(text: impl Into<String>) -> Failure {
    Failure::Answer(InvalidParameterValueException { r#type: user(), message: Some(text.into()) }.into())
}

/// 400 `InvalidParameterValueException` for what would have to be honoured and is not.
pub(crate) fn unsupported(what: &str) -> Failure {
    invalid_parameter(format!("{what} is not supported by Lambent yet."))
}

/// 404 `ResourceNotFoundException`.
pub(crate) fn not_found(text: impl Into<String>) -> Failure {
    Failure::Answer(ResourceNotFoundException { r#type: user(), message: Some(text.into()) }.into())
}

/// 409 `ResourceConflictException`.
pub(crate) fn conflict(text: impl Into<String>) -> Failure {
    Failure::Answer(ResourceConflictException { r#type: user(), message: Some(text.into()) }.into())
}

/// 400 `ResourceInUseException`.
pub(crate) fn resource_in_use(text: impl Into<String>) -> Failure {
    Failure::Answer(ResourceInUseException { r#type: user(), message: Some(text.into()) }.into())
}

/// 412 `PreconditionFailedException`. `call` is what tells the latest id, such as `GetFunction/GetAlias`.
pub(crate) fn revision_differs(call: &str) -> Failure {
    let text = format!(
        "The Revision Id provided does not match the latest Revision Id. Call the {call} API to retrieve the \
         latest Revision Id"
    );
    Failure::Answer(PreconditionFailedException { r#type: user(), message: Some(text) }.into())
}

/// 400 `PolicyLengthExceededException`.
pub(crate) fn policy_too_long(text: impl Into<String>) -> Failure {
    Failure::Answer(PolicyLengthExceededException { r#type: user(), message: Some(text.into()) }.into())
}

/// 404 `ProvisionedConcurrencyConfigNotFoundException`.
pub(crate) fn no_provisioned_concurrency() -> Failure {
    let text = "No Provisioned Concurrency Config found for this function".to_owned();
    Failure::Answer(
        ProvisionedConcurrencyConfigNotFoundException { r#type: user(), message: Some(text) }.into(),
    )
}

/// 413 `RequestTooLargeException`.
pub(crate) fn request_too_large(text: impl Into<String>) -> Failure {
    Failure::Answer(RequestTooLargeException { r#type: user(), message: Some(text.into()) }.into())
}

/// 400 `InvalidRequestContentException`.
pub(crate) fn invalid_content(text: impl Into<String>) -> Failure {
    Failure::Answer(InvalidRequestContentException { r#type: user(), message: Some(text.into()) }.into())
}

/// 400 `RecursiveInvocationException`, with the words that AWS documents it with.
pub(crate) fn recursive_invocation() -> Failure {
    let text = "Lambda has detected your function being invoked in a recursive loop with other AWS resources and \
                stopped your function's invocation.";
    Failure::Answer(RecursiveInvocationException { r#type: user(), message: Some(text.to_owned()) }.into())
}

/// 502 `InvalidRuntimeException`.
pub(crate) fn invalid_runtime(text: impl Into<String>) -> Failure {
    Failure::Answer(InvalidRuntimeException { r#type: user(), message: Some(text.into()) }.into())
}

/// 403 `AccessDeniedException`.
pub(crate) fn access_denied(text: impl Into<String>) -> Failure {
    Failure::Answer(Error::client("AccessDeniedException", 403, text))
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Answer(error) => error,
            Failure::Internal(cause) => {
                tracing::error!(cause, "a Lambda operation failed");
                ServiceException {
                    r#type: Some("Service".to_owned()),
                    message: Some("An error occurred and the request cannot be processed.".to_owned()),
                }
                .into()
            }
            Failure::Conflict => {
                let Failure::Answer(error) = conflict(
                    "The operation cannot be performed at this time. Another one changed the same resource.",
                ) else {
                    return Self::internal();
                };
                error
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Answer(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::Conflict,
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Store(error) => error.into(),
            TableError::Commit(error) => error.into(),
        }
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::CannotUnzip(cause) => {
                tracing::info!(cause, "an uploaded package was refused");
                invalid_parameter(
                    "Could not unzip uploaded file. Please check your file, then try to upload again.",
                )
            }
            PackageError::Empty => invalid_parameter("Uploaded file must be a non-empty zip"),
            PackageError::ZippedTooLarge => request_too_large(format!(
                "Zipped size must be smaller than {} bytes",
                packages::ZIPPED_BYTES_MAX
            )),
            PackageError::UnzippedTooLarge => invalid_parameter(format!(
                "Unzipped size must be smaller than {} bytes",
                packages::UNZIPPED_BYTES_MAX
            )),
            error @ (PackageError::NotFound(_) | PackageError::Damaged(_) | PackageError::Io(_)) => {
                Self::Internal(error.to_string())
            }
        }
    }
}
