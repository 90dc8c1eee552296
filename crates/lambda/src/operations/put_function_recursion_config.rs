//! `PutFunctionRecursionConfig`.

use api_lambda::{PutFunctionRecursionConfigRequest, PutFunctionRecursionConfigResponse, RecursiveLoop};
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::function::{FunctionReference, find_function};
use crate::tables::function::{FunctionRecord, put_function};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PutFunctionRecursionConfigRequest,
) -> Outcome<PutFunctionRecursionConfigResponse> {
    let operation = "PutFunctionRecursionConfig";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    loop {
        let row = find_function(&*lambda.snapshot().await?, &key).await?;
        let allows_loops = input.recursive_loop == RecursiveLoop::Allow;
        let record = FunctionRecord { allows_loops, ..row.record.clone() };
        let mut transaction = Transaction::new();
        put_function(&mut transaction, &key, Some(&row), &record)?;
        match lambda.store.commit(transaction).await.map_err(Failure::from) {
            Ok(_version) => {
                lambda.changed(&key);
                return Ok(PutFunctionRecursionConfigResponse { recursive_loop: Some(input.recursive_loop) });
            }
            // Somebody else changed the function: this changes what it is now.
            Err(Failure::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}
