//! The service: what it is made of, and where each operation is.

use std::sync::Arc;

use api_lambda::{
    CreateFunctionRequest, DeleteFunctionRequest, DeleteFunctionResponse, FunctionConfiguration,
    GetFunctionConfigurationRequest, GetFunctionRequest, GetFunctionResponse, InvocationRequest,
    InvocationResponse, Lambda as LambdaApi, ListFunctionsRequest, ListFunctionsResponse,
};
use clock::SharedClock;
use ids::IdSource;
use packages::Packages;
use runtimes::Interpreters;
use store::{SharedStore, Snapshot, Transaction};
use targets::VendCredentials;
use tasks::Tasks;
use wire::{Context, Error};

use crate::errors::{Failure, Outcome, conflict};
use crate::tables::function::FunctionKey;

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct LambdaParts {
    /// Where state lies.
    pub store: SharedStore,
    /// Where code lies.
    pub packages: Packages,
    /// The host's interpreters.
    pub interpreters: Arc<Interpreters>,
    /// Knows the roles.
    pub credentials: Arc<dyn VendCredentials>,
    /// Platform time.
    pub clock: SharedClock,
    /// Draws revision ids and the like.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
}

/// AWS Lambda. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lambda {
    parts: Arc<LambdaParts>,
}

impl std::ops::Deref for Lambda {
    type Target = LambdaParts;

    fn deref(&self) -> &LambdaParts {
        &self.parts
    }
}

impl Lambda {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: LambdaParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// A view of now.
    pub(crate) async fn snapshot(&self) -> Outcome<Box<dyn Snapshot>> {
        Ok(self.store.snapshot().await?)
    }

    /// A fresh revision id.
    pub(crate) fn revision_id(&self) -> String {
        self.ids.request_id().to_string()
    }

    /// Commits a change of this function, and lets invocations see it.
    ///
    /// # Errors
    /// `ResourceConflictException` when somebody else changed the same rows meanwhile.
    pub(crate) async fn commit(&self, key: &FunctionKey, transaction: Transaction) -> Outcome<()> {
        match self.store.commit(transaction).await.map_err(Failure::from) {
            Ok(_version) => Ok(()),
            Err(Failure::Conflict) => Err(update_in_progress(key)),
            Err(other) => Err(other),
        }
    }
}

/// What AWS answers to a change while another one is under way.
pub(crate) fn update_in_progress(key: &FunctionKey) -> Failure {
    conflict(format!(
        "The operation cannot be performed at this time. An update is in progress for resource: {}",
        key.arn()
    ))
}

impl LambdaApi for Lambda {
    async fn create_function(
        &self,
        _context: &Context,
        _input: CreateFunctionRequest,
    ) -> Result<FunctionConfiguration, Error> {
        Err(Error::not_implemented("lambda", "CreateFunction"))
    }

    async fn delete_function(
        &self,
        _context: &Context,
        _input: DeleteFunctionRequest,
    ) -> Result<DeleteFunctionResponse, Error> {
        Err(Error::not_implemented("lambda", "DeleteFunction"))
    }

    async fn get_function(
        &self,
        _context: &Context,
        _input: GetFunctionRequest,
    ) -> Result<GetFunctionResponse, Error> {
        Err(Error::not_implemented("lambda", "GetFunction"))
    }

    async fn get_function_configuration(
        &self,
        _context: &Context,
        _input: GetFunctionConfigurationRequest,
    ) -> Result<FunctionConfiguration, Error> {
        Err(Error::not_implemented("lambda", "GetFunctionConfiguration"))
    }

    async fn invoke(
        &self,
        _context: &Context,
        _input: InvocationRequest,
    ) -> Result<InvocationResponse, Error> {
        Err(Error::not_implemented("lambda", "Invoke"))
    }

    async fn list_functions(
        &self,
        _context: &Context,
        _input: ListFunctionsRequest,
    ) -> Result<ListFunctionsResponse, Error> {
        Err(Error::not_implemented("lambda", "ListFunctions"))
    }
}
