//! `DeleteLayerVersion`.

use api_lambda::DeleteLayerVersionRequest;
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::background::collection::discard_later;
use crate::errors::{Failure, Outcome};
use crate::layers::{self, LayerVersionName};
use crate::tables::layer::LAYER_VERSIONS;
use crate::tables::package_use;

/// Deletes a version, if there is one. Functions that use it keep its package.
pub(crate) async fn run(lambda: &Lambda, context: &Context, input: DeleteLayerVersionRequest) -> Outcome<()> {
    layers::own(context, "DeleteLayerVersion", &input.layer_name)?;
    let name = LayerVersionName::parse(context, &input.layer_name, input.version_number)?;
    loop {
        let Some(row) = LAYER_VERSIONS.get_now(&*lambda.store, &name.key()).await? else { return Ok(()) };
        let mut transaction = Transaction::new();
        LAYER_VERSIONS.delete_row(&mut transaction, &row);
        package_use::remove(&mut transaction, &row.record.package.key, &name.holder());
        match lambda.store.commit(transaction).await.map_err(Failure::from) {
            Ok(_) => {
                discard_later(lambda, vec![row.record.package.key]);
                return Ok(());
            }
            // Its policy changed meanwhile, or somebody else deleted it.
            Err(Failure::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}
