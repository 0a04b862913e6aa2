//! `whoami`: the user behind the token.

use cynic::QueryBuilder;

use super::Context;
use crate::{args::WhoamiArgs, error::Result, operations::Me, output};

pub(super) async fn run(context: &mut Context, args: &WhoamiArgs) -> Result<u8> {
    let client = context.client()?;
    let user = client.ask(&Me::build(())).await?.me;
    let address = client.login().address.to_string();
    let text = match context.json {
        true => output::json(&user),
        false => output::user(&user, &address, args.ascii, context.screen.look()),
    };
    context.screen.print(&text)?;
    Ok(0)
}
