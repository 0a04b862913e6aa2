//! `run`: submits the task of a YAML file.

use std::fs;

use super::{Context, submit};
use crate::{
    args::RunArgs,
    error::{Error, Result},
    submission::Overrides,
};

pub(super) async fn run(context: &mut Context, args: RunArgs) -> Result<u8> {
    let text = fs::read_to_string(&args.file).map_err(|source| Error::Read {
        path: args.file.clone(),
        source,
    })?;
    let overrides = Overrides {
        nodes: args.nodes,
        group: args.group,
        priority: args.priority,
    };
    let yaml = overrides.apply(&text)?;
    let client = context.client()?;
    submit::hand_in(context, &client, yaml, args.follow).await
}
