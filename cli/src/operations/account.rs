//! Users and access tokens.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Owner, PageInfo, TokenScope, UserRole, schema};

/// A user in a list.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "User")]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) nick_name: String,
    pub(crate) shared_group: String,
    pub(crate) role: UserRole,
    pub(crate) uid: i64,
    pub(crate) active: bool,
    pub(crate) groups: Vec<String>,
}

/// A token without its secret.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessToken {
    pub(crate) id: cynic::Id,
    pub(crate) user: Owner,
    pub(crate) holder: Owner,
    pub(crate) scope: TokenScope,
    pub(crate) name: Option<String>,
    pub(crate) created_by: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct UserPage {
    pub(crate) after: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "UserPage")]
pub(crate) struct ListUsers {
    #[arguments(first: 100, after: $after)]
    pub(crate) users: UserConnection,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct UserConnection {
    pub(crate) nodes: Vec<Account>,
    pub(crate) page_info: PageInfo,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct AccessTokenFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<bool>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct TokenPage {
    pub(crate) filter: AccessTokenFilter,
    pub(crate) after: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TokenPage")]
pub(crate) struct ListTokens {
    #[arguments(filter: $filter, first: 100, after: $after)]
    pub(crate) access_tokens: AccessTokenConnection,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct AccessTokenConnection {
    pub(crate) nodes: Vec<AccessToken>,
    pub(crate) page_info: PageInfo,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct CreateAccessTokenInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<String>,
    pub(crate) scope: TokenScope,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct NewToken {
    pub(crate) input: CreateAccessTokenInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "NewToken")]
pub(crate) struct CreateAccessToken {
    #[arguments(input: $input)]
    pub(crate) create_access_token: CreatedAccessToken,
}

/// A token with its secret.
#[derive(Debug, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedAccessToken {
    pub(crate) access_token: AccessToken,
    pub(crate) token: String,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct CreateSessionCodeInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct NewSession {
    pub(crate) input: CreateSessionCodeInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "NewSession")]
pub(crate) struct CreateSessionCode {
    #[arguments(input: $input)]
    pub(crate) create_session_code: SessionCode,
}

/// A code for a browser.
#[derive(Debug, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionCode {
    pub(crate) code: String,
    pub(crate) expires_at: DateTime<Utc>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhichToken {
    pub(crate) id: cynic::Id,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhichToken")]
pub(crate) struct RevokeAccessToken {
    #[arguments(id: $id)]
    pub(crate) revoke_access_token: AccessToken,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhichToken")]
pub(crate) struct RotateToken {
    #[arguments(id: $id)]
    pub(crate) rotate_token: CreatedAccessToken,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct CreateUserInput {
    pub(crate) name: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) nick_name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) shared_group: Option<String>,
    pub(crate) role: UserRole,
    pub(crate) groups: Vec<String>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct NewUser {
    pub(crate) input: CreateUserInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "NewUser")]
pub(crate) struct CreateUser {
    #[arguments(input: $input)]
    pub(crate) create_user: CreatedUser,
}

/// A new user with a first token.
#[derive(Debug, Serialize, cynic::QueryFragment)]
pub(crate) struct CreatedUser {
    pub(crate) user: Account,
    pub(crate) token: String,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct SetUserActiveInput {
    pub(crate) user: String,
    pub(crate) active: bool,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhetherActive {
    pub(crate) input: SetUserActiveInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhetherActive")]
pub(crate) struct SetUserActive {
    #[arguments(input: $input)]
    pub(crate) set_user_active: Account,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct SetUserGroupsInput {
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhichGroups {
    pub(crate) input: SetUserGroupsInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhichGroups")]
pub(crate) struct SetUserGroups {
    #[arguments(input: $input)]
    pub(crate) set_user_groups: Account,
}
