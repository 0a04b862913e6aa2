//! `token`: lists, makes and ends access tokens.

use cynic::{MutationBuilder, QueryBuilder};

use super::{Context, log_start::now};
use crate::{
    args::{ScopeWord, TokenCommand},
    client::Client,
    error::Result,
    operations::{
        AccessToken, AccessTokenFilter, CreateAccessToken, CreateAccessTokenInput,
        CreateSessionCode, CreateSessionCodeInput, ListTokens, NewSession, NewToken,
        RevokeAccessToken, RotateToken, TokenPage, TokenScope, WhichToken,
    },
    output,
};

pub(super) async fn run(context: &mut Context, command: TokenCommand) -> Result<u8> {
    let client = context.client()?;
    let text = match command {
        TokenCommand::List { user, all } => {
            let live = (!all).then_some(true);
            let tokens = all_tokens(&client, AccessTokenFilter { user, live }).await?;
            match context.json {
                true => output::json(&tokens),
                false => output::token_table(&tokens, context.screen.look()),
            }
        }
        TokenCommand::Create {
            user,
            holder,
            scope,
            name,
            expires,
        } => {
            let input = CreateAccessTokenInput {
                user,
                holder,
                scope: scope.into(),
                name,
                expires_at: expires.map(|when| when.ahead(now())),
            };
            let made = client
                .ask(&CreateAccessToken::build(NewToken { input }))
                .await?;
            let made = made.create_access_token;
            match context.json {
                true => output::json(&made),
                // Alone, so that it can be piped.
                false => made.token + "\n",
            }
        }
        TokenCommand::Session { name } => {
            let input = CreateSessionCodeInput { name };
            let made = client
                .ask(&CreateSessionCode::build(NewSession { input }))
                .await?;
            let made = made.create_session_code;
            match context.json {
                true => output::json(&made),
                // Alone, as a token.
                false => made.code + "\n",
            }
        }
        TokenCommand::Rotate { id } => {
            let which = WhichToken { id: id.into() };
            let made = client.ask(&RotateToken::build(which)).await?.rotate_token;
            match context.json {
                true => output::json(&made),
                // Alone, as a new one.
                false => made.token + "\n",
            }
        }
        TokenCommand::Revoke { id } => {
            let which = WhichToken { id: id.into() };
            let revoked = client.ask(&RevokeAccessToken::build(which)).await?;
            let token = revoked.revoke_access_token;
            match context.json {
                true => output::json(&token),
                false => format!("token {} is revoked\n", token.id.inner()),
            }
        }
    };
    context.screen.print(&text)?;
    Ok(0)
}

async fn all_tokens(client: &Client, filter: AccessTokenFilter) -> Result<Vec<AccessToken>> {
    let mut tokens = Vec::new();
    let mut after = None;
    loop {
        let filter = filter.clone();
        let answer = client
            .ask(&ListTokens::build(TokenPage { filter, after }))
            .await?;
        let page = answer.access_tokens;
        tokens.extend(page.nodes);
        if !page.page_info.has_next_page {
            return Ok(tokens);
        }
        after = page.page_info.end_cursor;
    }
}

impl From<ScopeWord> for TokenScope {
    fn from(word: ScopeWord) -> Self {
        match word {
            ScopeWord::All => Self::All,
            ScopeWord::ExceptJupyter => Self::ExceptJupyter,
            ScopeWord::Read => Self::Read,
        }
    }
}
