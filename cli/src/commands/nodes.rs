//! `nodes`: the nodes of the cluster, and who has them.

use cynic::QueryBuilder;
use serde_json::json;

use super::Context;
use crate::{
    args::NodesArgs,
    client::Client,
    error::Result,
    operations::{ClusterOverview, ListNodes, Node, NodeGroup, NodePage},
    output,
};

/// Nodes that are asked for at once.
const NODES_PER_PAGE: i32 = 500;

pub(super) async fn run(context: &mut Context, args: &NodesArgs) -> Result<u8> {
    let client = context.client()?;
    let (nodes, groups, overview) = all_nodes(&client).await?;
    let text = match (context.json, args.tree) {
        (true, _) => {
            output::json(&json!({ "nodes": nodes, "nodeGroups": groups, "overview": overview }))
        }
        (false, true) => output::node_tree(&nodes, &groups, args.ascii),
        (false, false) => output::node_table(&nodes, context.screen.look()),
    };
    context.screen.print(&text)?;
    Ok(0)
}

/// All nodes by name, the tree of groups, and the numbers of the cluster.
async fn all_nodes(client: &Client) -> Result<(Vec<Node>, Vec<NodeGroup>, ClusterOverview)> {
    let mut nodes = Vec::new();
    let mut after = None;
    loop {
        let page = NodePage {
            first: NODES_PER_PAGE,
            after,
        };
        let answer = client.ask(&ListNodes::build(page)).await?;
        nodes.extend(answer.nodes.nodes);
        if !answer.nodes.page_info.has_next_page {
            return Ok((nodes, answer.node_groups, answer.cluster_overview));
        }
        after = answer.nodes.page_info.end_cursor;
    }
}
