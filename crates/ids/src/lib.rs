//! Names: accounts, regions, ARNs, request ids; and the one source of randomness they are drawn from.

mod account;
mod arn;
mod request_id;
mod source;

pub use account::{AccountId, InvalidId, Region};
pub use arn::{Arn, FunctionArn, InvalidArn, Qualifier};
pub use request_id::RequestId;
pub use source::IdSource;
