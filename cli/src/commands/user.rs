//! `user`: lists, creates and changes users.

use cynic::{MutationBuilder, QueryBuilder};

use super::Context;
use crate::{
    args::UserCommand,
    client::Client,
    error::Result,
    operations::{
        Account, CreateUser, CreateUserInput, ListUsers, NewUser, SetUserActive,
        SetUserActiveInput, SetUserGroups, SetUserGroupsInput, UserPage, UserRole, WhetherActive,
        WhichGroups,
    },
    output,
};

pub(super) async fn run(context: &mut Context, command: UserCommand) -> Result<u8> {
    let client = context.client()?;
    let changed = match command {
        UserCommand::List => {
            let users = all_users(&client).await?;
            let text = match context.json {
                true => output::json(&users),
                false => output::user_table(&users, context.screen.look()),
            };
            context.screen.print(&text)?;
            return Ok(0);
        }
        UserCommand::Create {
            name,
            nick_name,
            shared_group,
            external,
            groups,
        } => {
            let role = match external {
                true => UserRole::External,
                false => UserRole::Internal,
            };
            let input = CreateUserInput {
                name,
                nick_name,
                shared_group,
                role,
                groups,
            };
            let created = client.ask(&CreateUser::build(NewUser { input })).await?;
            let created = created.create_user;
            let text = match context.json {
                true => output::json(&created),
                // Alone, so that it can be piped.
                false => created.token + "\n",
            };
            context.screen.print(&text)?;
            return Ok(0);
        }
        UserCommand::Activate { name } => set_active(&client, name, true).await?,
        UserCommand::Deactivate { name } => set_active(&client, name, false).await?,
        UserCommand::Groups { name, groups } => {
            let input = SetUserGroupsInput { user: name, groups };
            let set = SetUserGroups::build(WhichGroups { input });
            client.ask(&set).await?.set_user_groups
        }
    };
    let text = match context.json {
        true => output::json(&changed),
        false => output::user_table(&[changed], context.screen.look()),
    };
    context.screen.print(&text)?;
    Ok(0)
}

async fn set_active(client: &Client, user: String, active: bool) -> Result<Account> {
    let input = SetUserActiveInput { user, active };
    let set = SetUserActive::build(WhetherActive { input });
    Ok(client.ask(&set).await?.set_user_active)
}

async fn all_users(client: &Client) -> Result<Vec<Account>> {
    let mut users = Vec::new();
    let mut after = None;
    loop {
        let answer = client.ask(&ListUsers::build(UserPage { after })).await?;
        users.extend(answer.users.nodes);
        if !answer.users.page_info.has_next_page {
            return Ok(users);
        }
        after = answer.users.page_info.end_cursor;
    }
}
