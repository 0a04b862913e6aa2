//! What the commands about the cluster take.

use super::When;

#[derive(Debug, clap::Args)]
pub(crate) struct NodesArgs {
    /// Show groups, their zones and the nodes in them as a tree.
    #[arg(long)]
    pub(crate) tree: bool,
    /// Draw with ASCII characters only.
    #[arg(short, long)]
    pub(crate) ascii: bool,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum NodeCommand {
    /// Take a node from the scheduler; the task that it has goes on.
    Disable {
        /// Name of the node.
        name: String,
        /// Why: it is shown to all who wonder.
        #[arg(long, value_name = "TEXT")]
        why: String,
        /// Suspend the task that it has, so that it goes on elsewhere.
        #[arg(long)]
        suspend_task: bool,
    },
    /// Give a node back to the scheduler.
    Enable {
        /// Name of the node.
        name: String,
    },
    /// Show the states that a node was in, the newest first, and who brought them about.
    History {
        /// Name of the node.
        name: String,
        /// How many.
        #[arg(short, long, value_name = "COUNT", default_value_t = 50,
              value_parser = clap::value_parser!(i32).range(1..=500))]
        number: i32,
    },
    /// Show the task that was on a node at a time; exit code 1 if none was.
    TaskAt {
        /// Name of the node.
        name: String,
        /// 30s, 10m, 2h or 1d ago, or a time like 2026-11-23T18:43:43 in UTC; now if left out.
        when: Option<When>,
    },
}
