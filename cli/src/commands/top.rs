//! `top`: the live view.

use cynic::QueryBuilder;

use super::Context;
use crate::{
    error::{Error, Result},
    operations::MyName,
    top,
};

pub(super) async fn run(context: &mut Context) -> Result<u8> {
    if context.json {
        let list = format!("`{} list --json`", context.program);
        let message = format!("`top` is for people: programs use {list}");
        return Err(Error::Usage(message));
    }
    let client = context.client()?;
    let user = client.ask(&MyName::build(())).await?.me.name;
    top::show(context, &client, user).await?;
    Ok(0)
}
