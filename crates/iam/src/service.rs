//! The service: what it is made of, and which file answers which operation.

use std::ops::Deref;
use std::sync::Arc;

use api_iam::{
    AttachRolePolicyRequest, CreateRoleRequest, CreateRoleResponse, DeleteRolePolicyRequest,
    DeleteRoleRequest, DetachRolePolicyRequest, GetRolePolicyRequest, GetRolePolicyResponse, GetRoleRequest,
    GetRoleResponse, Iam as IamApi, ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse,
    ListRolePoliciesRequest, ListRolePoliciesResponse, ListRoleTagsRequest, ListRoleTagsResponse,
    ListRolesRequest, ListRolesResponse, PutRolePolicyRequest, TagRoleRequest, UntagRoleRequest,
    UpdateAssumeRolePolicyRequest, UpdateRoleRequest, UpdateRoleResponse,
};
use api_sts::{
    AssumeRoleRequest, AssumeRoleResponse, GetCallerIdentityRequest, GetCallerIdentityResponse, Sts,
};
use auth::{Mode, SessionKeys};
use clock::SharedClock;
use ids::IdSource;
use store::SharedStore;
use wire::{Context, Error};

use crate::operations;

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct IamParts {
    /// Where roles lie.
    pub store: SharedStore,
    /// Platform time: when a role was created.
    pub clock: SharedClock,
    /// Real time, also where the platform's is virtual: when credentials expire. Clients compare it with their own.
    pub session_clock: SharedClock,
    /// Draws unique ids and credentials.
    pub ids: Arc<IdSource>,
    /// Issues credentials. The gateway's authenticator must have the same.
    pub sessions: SessionKeys,
    /// Whether trust policies are evaluated: as the gateway's authenticator.
    pub mode: Mode,
}

/// IAM and STS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Iam {
    parts: Arc<IamParts>,
}

impl Deref for Iam {
    type Target = IamParts;

    fn deref(&self) -> &IamParts {
        &self.parts
    }
}

impl Iam {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: IamParts) -> Self {
        Self { parts: Arc::new(parts) }
    }
}

impl IamApi for Iam {
    async fn attach_role_policy(
        &self,
        context: &Context,
        input: AttachRolePolicyRequest,
    ) -> Result<(), Error> {
        operations::attach_role_policy::handle(self, context, input).await
    }

    async fn create_role(
        &self,
        context: &Context,
        input: CreateRoleRequest,
    ) -> Result<CreateRoleResponse, Error> {
        operations::create_role::handle(self, context, input).await
    }

    async fn delete_role(&self, context: &Context, input: DeleteRoleRequest) -> Result<(), Error> {
        operations::delete_role::handle(self, context, input).await
    }

    async fn delete_role_policy(
        &self,
        context: &Context,
        input: DeleteRolePolicyRequest,
    ) -> Result<(), Error> {
        operations::delete_role_policy::handle(self, context, input).await
    }

    async fn detach_role_policy(
        &self,
        context: &Context,
        input: DetachRolePolicyRequest,
    ) -> Result<(), Error> {
        operations::detach_role_policy::handle(self, context, input).await
    }

    async fn get_role(&self, context: &Context, input: GetRoleRequest) -> Result<GetRoleResponse, Error> {
        operations::get_role::handle(self, context, input).await
    }

    async fn get_role_policy(
        &self,
        context: &Context,
        input: GetRolePolicyRequest,
    ) -> Result<GetRolePolicyResponse, Error> {
        operations::get_role_policy::handle(self, context, input).await
    }

    async fn list_attached_role_policies(
        &self,
        context: &Context,
        input: ListAttachedRolePoliciesRequest,
    ) -> Result<ListAttachedRolePoliciesResponse, Error> {
        operations::list_attached_role_policies::handle(self, context, input).await
    }

    async fn list_role_policies(
        &self,
        context: &Context,
        input: ListRolePoliciesRequest,
    ) -> Result<ListRolePoliciesResponse, Error> {
        operations::list_role_policies::handle(self, context, input).await
    }

    async fn list_role_tags(
        &self,
        context: &Context,
        input: ListRoleTagsRequest,
    ) -> Result<ListRoleTagsResponse, Error> {
        operations::list_role_tags::handle(self, context, input).await
    }

    async fn list_roles(
        &self,
        context: &Context,
        input: ListRolesRequest,
    ) -> Result<ListRolesResponse, Error> {
        operations::list_roles::handle(self, context, input).await
    }

    async fn put_role_policy(&self, context: &Context, input: PutRolePolicyRequest) -> Result<(), Error> {
        operations::put_role_policy::handle(self, context, input).await
    }

    async fn tag_role(&self, context: &Context, input: TagRoleRequest) -> Result<(), Error> {
        operations::tag_role::handle(self, context, input).await
    }

    async fn untag_role(&self, context: &Context, input: UntagRoleRequest) -> Result<(), Error> {
        operations::untag_role::handle(self, context, input).await
    }

    async fn update_assume_role_policy(
        &self,
        context: &Context,
        input: UpdateAssumeRolePolicyRequest,
    ) -> Result<(), Error> {
        operations::update_assume_role_policy::handle(self, context, input).await
    }

    async fn update_role(
        &self,
        context: &Context,
        input: UpdateRoleRequest,
    ) -> Result<UpdateRoleResponse, Error> {
        operations::update_role::handle(self, context, input).await
    }
}

impl Sts for Iam {
    async fn assume_role(
        &self,
        context: &Context,
        input: AssumeRoleRequest,
    ) -> Result<AssumeRoleResponse, Error> {
        operations::assume_role::handle(self, context, input).await
    }

    async fn get_caller_identity(
        &self,
        context: &Context,
        _input: GetCallerIdentityRequest,
    ) -> Result<GetCallerIdentityResponse, Error> {
        Ok(operations::get_caller_identity::handle(context))
    }
}
