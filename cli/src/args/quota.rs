//! What the commands about quotas take.

use super::When;
use crate::submission::Priority;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct QuotaArgs {
    /// What to do; your own quota is shown if left out.
    #[command(subcommand)]
    pub(crate) command: Option<QuotaCommand>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum QuotaCommand {
    /// Show what a user holds and may hold, you if left out.
    Show {
        /// Name of the user; that of others is for administrators of quotas.
        user: Option<String>,
        /// Only of this node group.
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Set how much an owner may have of something, whether there was a quota or not; for administrators.
    Set {
        /// A user or a user group; public is everybody, and each member of a group may have that much.
        owner: String,
        /// node-GROUP-PRIORITY, for a ceiling node_limit-GROUP-PRIORITY, or any other resource, for example port.
        resource: String,
        /// How much; 0 denies. Of jupyter:GROUP how many dev containers.
        amount: i64,
        /// When it ends: in 2h or 7d, or at a time like 2026-11-30T18:00:00 in UTC; never if left out.
        #[arg(long, value_name = "WHEN")]
        until: Option<When>,
        /// Of jupyter:GROUP: memory of all dev containers together, in GiB.
        #[arg(long, value_name = "GIB")]
        memory: Option<i32>,
        /// Of jupyter:GROUP: processors of each dev container.
        #[arg(long, value_name = "COUNT")]
        cpus: Option<i32>,
    },
    /// Set your own quota of nodes, up to the ceiling.
    SetMine {
        /// Node group.
        group: String,
        /// Priority by number or name, for example 30 or HIGH.
        priority: Priority,
        /// How many nodes at the same time.
        nodes: i32,
    },
    /// Remove the quota of an owner: then those of the owner's groups count; for administrators.
    Remove {
        /// A user or a user group.
        owner: String,
        /// Name of the resource, for example node-training-HIGH.
        resource: String,
    },
    /// Show who changed which quota, the newest first.
    Log {
        /// Only of this user or user group.
        owner: Option<String>,
        /// Only by this user.
        #[arg(long, value_name = "NAME")]
        editor: Option<String>,
        /// Only of the resource with this name.
        #[arg(long, value_name = "NAME")]
        resource: Option<String>,
        /// Only from then on: 30s, 10m, 2h or 1d ago, or a time like 2026-11-23T18:43:43 in UTC.
        #[arg(short, long, value_name = "WHEN")]
        since: Option<When>,
        /// How many.
        #[arg(short, long, value_name = "COUNT", default_value_t = 50,
              value_parser = clap::value_parser!(i32).range(1..=500))]
        number: i32,
    },
    /// Say what would be different at once if a quota of nodes were another; nothing is changed. For administrators.
    Simulate {
        /// A user or a user group.
        owner: String,
        /// node-GROUP-PRIORITY or node_limit-GROUP-PRIORITY.
        resource: String,
        /// How many nodes at the same time.
        nodes: i32,
    },
}
