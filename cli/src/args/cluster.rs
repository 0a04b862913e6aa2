//! What the commands about the cluster take.

#[derive(Debug, clap::Args)]
pub(crate) struct NodesArgs {
    /// Show groups, their zones and the nodes in them as a tree.
    #[arg(long)]
    pub(crate) tree: bool,
    /// Draw with ASCII characters only.
    #[arg(short, long)]
    pub(crate) ascii: bool,
}
