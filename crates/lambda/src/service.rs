//! The service: what it is made of, and where each operation is.

use std::sync::Arc;

use api_lambda::*;
use bytes::Bytes;
use clock::SharedClock;
use delivery::Delivery;
use event_source::EventSources;
use ids::IdSource;
use invoker::Invoker;
use packages::Packages;
use runtimes::Interpreters;
use store::{SharedStore, Snapshot, Transaction};
use targets::{RecordMetrics, RecordTrace, Targets, VendCredentials};
use tasks::Tasks;

use crate::background::collection::{self, Discarded};
use crate::background::preparation;
use crate::concurrency::provisioning::{self, Provisioning};
use crate::errors::{Failure, Outcome, conflict};
use crate::figures::InFlight;
use crate::links::CodeLinks;
use crate::operations;
use crate::routes::Routes;
use crate::tables::function::FunctionKey;

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct LambdaParts {
    /// Where state lies. This process must be the only one that writes Lambda's tables.
    pub store: SharedStore,
    /// Where code lies.
    pub packages: Packages,
    /// The host's interpreters.
    pub interpreters: Arc<Interpreters>,
    /// Only the exact version of a runtime will do, and none that AWS has deprecated.
    pub strict_runtimes: bool,
    /// Runs functions.
    pub invoker: Invoker,
    /// Knows the roles.
    pub credentials: Arc<dyn VendCredentials>,
    /// Platform time.
    pub clock: SharedClock,
    /// Draws revision ids and the like.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// Keeps asynchronous events.
    pub delivery: Delivery,
    /// Polls queues and streams.
    pub event_sources: EventSources,
    /// Where records of invocations may go.
    pub targets: Targets,
    /// Counts invocations.
    pub metrics: Arc<dyn RecordMetrics>,
    /// Tells their story.
    pub trace: Arc<dyn RecordTrace>,
}

/// AWS Lambda. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lambda {
    pub(crate) store: SharedStore,
    pub(crate) packages: Packages,
    pub(crate) interpreters: Arc<Interpreters>,
    pub(crate) strict_runtimes: bool,
    pub(crate) invoker: Invoker,
    pub(crate) credentials: Arc<dyn VendCredentials>,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) tasks: Tasks,
    pub(crate) delivery: Delivery,
    pub(crate) event_sources: EventSources,
    pub(crate) targets: Targets,
    pub(crate) metrics: Arc<dyn RecordMetrics>,
    pub(crate) trace: Arc<dyn RecordTrace>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) discarded: Arc<Discarded>,
    pub(crate) code_links: Arc<CodeLinks>,
    pub(crate) provisioning: Arc<Provisioning>,
    pub(crate) in_flight: Arc<InFlight>,
}

impl Lambda {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: LambdaParts) -> Self {
        let LambdaParts {
            store,
            packages,
            interpreters,
            strict_runtimes,
            invoker,
            credentials,
            clock,
            ids,
            tasks,
            delivery,
            event_sources,
            targets,
            metrics,
            trace,
        } = parts;
        let code_links = Arc::new(CodeLinks::new(&ids));
        let (routes, discarded) = (Arc::default(), Arc::default());
        Self {
            store,
            packages,
            interpreters,
            strict_runtimes,
            invoker,
            credentials,
            clock,
            ids,
            tasks,
            delivery,
            event_sources,
            targets,
            metrics,
            trace,
            routes,
            discarded,
            code_links,
            provisioning: Arc::default(),
            in_flight: Arc::default(),
        }
    }

    /// Begins, in the background, to finish what was unfinished when the server last ended, to run the events that are
    /// due, to poll event sources, and to remove what nothing refers to.
    pub fn start(&self) {
        self.delivery.start(Arc::new(self.clone()));
        self.event_sources.start(Arc::new(self.clone()));
        provisioning::restore_later(self);
        let lambda = self.clone();
        self.tasks.spawn("lambda start", async move {
            if let Err(error) = preparation::resume(&lambda).await {
                tracing::error!(?error, "unfinished functions could not be read");
            }
            if let Err(error) = collection::sweep(&lambda).await {
                tracing::warn!(?error, "superfluous packages could not be removed");
            }
        });
    }

    /// The zip behind a link that `GetFunction` or `GetLayerVersion` handed out: `token` is what follows
    /// [`crate::CODE_PATH`] in it. `None` when the link is not ours, has expired, or its package is gone.
    pub async fn read_code(&self, token: &str) -> Option<Bytes> {
        let key = self.code_links.read(token, self.clock.now())?;
        match self.packages.read_zip(&key).await {
            Ok(zip) => Some(zip),
            Err(error) => {
                tracing::warn!(%error, "a package that there is a link to cannot be read");
                None
            }
        }
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
        let committed = self.store.commit(transaction).await.map_err(Failure::from);
        // Even a commit whose outcome is unknown may have changed it.
        self.changed(key);
        match committed {
            Ok(_version) => Ok(()),
            Err(Failure::Conflict) => Err(update_in_progress(key)),
            Err(other) => Err(other),
        }
    }

    /// To be called after each commit that concerns a function: invocations read it anew.
    pub(crate) fn changed(&self, key: &FunctionKey) {
        self.routes.forget(key);
    }
}

/// What AWS answers to a change while another one is under way.
pub(crate) fn update_in_progress(key: &FunctionKey) -> Failure {
    conflict(format!(
        "The operation cannot be performed at this time. An update is in progress for resource: {}",
        key.arn()
    ))
}

/// Each operation is in the module of its name.
macro_rules! delegate {
    ($($operation:ident($input:ty) -> $output:ty;)*) => {
        impl api_lambda::Lambda for Lambda {
            $(async fn $operation(&self, context: &Context, input: $input) -> Result<$output, Error> {
                Ok(operations::$operation::run(self, context, input).await?)
            })*
        }
    };
}

delegate! {
    add_layer_version_permission(AddLayerVersionPermissionRequest) -> AddLayerVersionPermissionResponse;
    add_permission(AddPermissionRequest) -> AddPermissionResponse;
    create_alias(CreateAliasRequest) -> AliasConfiguration;
    create_event_source_mapping(CreateEventSourceMappingRequest) -> EventSourceMappingConfiguration;
    create_function(CreateFunctionRequest) -> FunctionConfiguration;
    delete_alias(DeleteAliasRequest) -> ();
    delete_event_source_mapping(DeleteEventSourceMappingRequest) -> EventSourceMappingConfiguration;
    delete_function(DeleteFunctionRequest) -> DeleteFunctionResponse;
    delete_function_concurrency(DeleteFunctionConcurrencyRequest) -> ();
    delete_function_event_invoke_config(DeleteFunctionEventInvokeConfigRequest) -> ();
    delete_layer_version(DeleteLayerVersionRequest) -> ();
    delete_provisioned_concurrency_config(DeleteProvisionedConcurrencyConfigRequest) -> ();
    get_account_settings(GetAccountSettingsRequest) -> GetAccountSettingsResponse;
    get_alias(GetAliasRequest) -> AliasConfiguration;
    get_event_source_mapping(GetEventSourceMappingRequest) -> EventSourceMappingConfiguration;
    get_function(GetFunctionRequest) -> GetFunctionResponse;
    get_function_code_signing_config(GetFunctionCodeSigningConfigRequest) -> GetFunctionCodeSigningConfigResponse;
    get_function_concurrency(GetFunctionConcurrencyRequest) -> GetFunctionConcurrencyResponse;
    get_function_configuration(GetFunctionConfigurationRequest) -> FunctionConfiguration;
    get_function_event_invoke_config(GetFunctionEventInvokeConfigRequest) -> FunctionEventInvokeConfig;
    get_function_recursion_config(GetFunctionRecursionConfigRequest) -> GetFunctionRecursionConfigResponse;
    get_function_url_config(GetFunctionUrlConfigRequest) -> GetFunctionUrlConfigResponse;
    get_layer_version(GetLayerVersionRequest) -> GetLayerVersionResponse;
    get_layer_version_by_arn(GetLayerVersionByArnRequest) -> GetLayerVersionResponse;
    get_layer_version_policy(GetLayerVersionPolicyRequest) -> GetLayerVersionPolicyResponse;
    get_policy(GetPolicyRequest) -> GetPolicyResponse;
    get_provisioned_concurrency_config(GetProvisionedConcurrencyConfigRequest) -> GetProvisionedConcurrencyConfigResponse;
    get_runtime_management_config(GetRuntimeManagementConfigRequest) -> GetRuntimeManagementConfigResponse;
    invoke(InvocationRequest) -> InvocationResponse;
    invoke_async(InvokeAsyncRequest) -> InvokeAsyncResponse;
    invoke_with_response_stream(InvokeWithResponseStreamRequest) -> InvokeWithResponseStreamResponse;
    list_aliases(ListAliasesRequest) -> ListAliasesResponse;
    list_event_source_mappings(ListEventSourceMappingsRequest) -> ListEventSourceMappingsResponse;
    list_function_event_invoke_configs(ListFunctionEventInvokeConfigsRequest) -> ListFunctionEventInvokeConfigsResponse;
    list_function_url_configs(ListFunctionUrlConfigsRequest) -> ListFunctionUrlConfigsResponse;
    list_functions(ListFunctionsRequest) -> ListFunctionsResponse;
    list_layer_versions(ListLayerVersionsRequest) -> ListLayerVersionsResponse;
    list_layers(ListLayersRequest) -> ListLayersResponse;
    list_provisioned_concurrency_configs(ListProvisionedConcurrencyConfigsRequest) -> ListProvisionedConcurrencyConfigsResponse;
    list_tags(ListTagsRequest) -> ListTagsResponse;
    list_versions_by_function(ListVersionsByFunctionRequest) -> ListVersionsByFunctionResponse;
    publish_layer_version(PublishLayerVersionRequest) -> PublishLayerVersionResponse;
    publish_version(PublishVersionRequest) -> FunctionConfiguration;
    put_function_concurrency(PutFunctionConcurrencyRequest) -> Concurrency;
    put_function_event_invoke_config(PutFunctionEventInvokeConfigRequest) -> FunctionEventInvokeConfig;
    put_function_recursion_config(PutFunctionRecursionConfigRequest) -> PutFunctionRecursionConfigResponse;
    put_provisioned_concurrency_config(PutProvisionedConcurrencyConfigRequest) -> PutProvisionedConcurrencyConfigResponse;
    put_runtime_management_config(PutRuntimeManagementConfigRequest) -> PutRuntimeManagementConfigResponse;
    remove_layer_version_permission(RemoveLayerVersionPermissionRequest) -> ();
    remove_permission(RemovePermissionRequest) -> ();
    tag_resource(TagResourceRequest) -> ();
    untag_resource(UntagResourceRequest) -> ();
    update_alias(UpdateAliasRequest) -> AliasConfiguration;
    update_event_source_mapping(UpdateEventSourceMappingRequest) -> EventSourceMappingConfiguration;
    update_function_code(UpdateFunctionCodeRequest) -> FunctionConfiguration;
    update_function_configuration(UpdateFunctionConfigurationRequest) -> FunctionConfiguration;
    update_function_event_invoke_config(UpdateFunctionEventInvokeConfigRequest) -> FunctionEventInvokeConfig;
}
