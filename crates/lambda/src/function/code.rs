//! The code that a request brings.

use bytes::Bytes;
use packages::Stored;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter, unsupported};

/// Where a request says its code is.
#[derive(Debug, Default)]
pub(crate) struct CodeInput {
    pub(crate) zip: Option<Bytes>,
    pub(crate) s3_bucket: Option<String>,
    pub(crate) image_uri: Option<String>,
    pub(crate) source_kms_key_arn: Option<String>,
}

/// Checks the code and keeps it; [`Stored::pin`] is to be held until it is referred to.
///
/// # Errors
/// `InvalidParameterValueException` for code that is not there, not supported, or no usable zip.
pub(crate) async fn store_code(lambda: &Lambda, code: CodeInput) -> Outcome<Stored> {
    if code.image_uri.is_some_and(|uri| !uri.is_empty()) {
        return Err(unsupported("A container image (ImageUri)"));
    }
    if code.s3_bucket.is_some() {
        return Err(unsupported(
            "Code in S3 (S3Bucket): send the package itself, as ZipFile. Lambent has no S3 yet; it",
        ));
    }
    if code.source_kms_key_arn.is_some_and(|arn| !arn.is_empty()) {
        return Err(unsupported("SourceKMSKeyArn"));
    }
    match code.zip {
        Some(zip) => Ok(lambda.packages.put_zip(zip).await?),
        None => Err(invalid_parameter("Please provide a source for function code.")),
    }
}
