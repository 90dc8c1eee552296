//! Who is calling: SigV4 verification, access keys, and the temporary credentials of a session.
//!
//! [`Authenticator`] turns a request into a [`Caller`] or an [`AuthError`]. What the caller may do is decided
//! elsewhere (`iam`); how an error is written on the wire is decided by the gateway.

mod authenticator;
mod authorization;
mod caller;
mod canonical;
mod error;
mod keys;
mod session;
mod signature;

pub use authenticator::{Authenticator, Defaults, Mode};
pub use authorization::Scope;
pub use caller::Caller;
pub use error::{AuthError, Mismatch};
pub use keys::{AccessKey, AccessKeys, LookupError, StaticKeys};
pub use session::{Session, SessionError, SessionKeys};
pub use signature::{Credential, sign};
