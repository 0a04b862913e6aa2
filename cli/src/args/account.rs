//! What the commands about users and tokens take.

use super::When;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum TokenCommand {
    /// List the tokens that act for you or that you hold, without their secrets.
    List {
        /// Only those of this user.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Those that are revoked or over, too.
        #[arg(short, long)]
        all: bool,
    },
    /// Make a token and print it; it cannot be seen again.
    Create {
        /// The user it acts for, instead of you; for administrators of tokens.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Who is to hold it and act as you.
        #[arg(long, value_name = "NAME")]
        holder: Option<String>,
        /// What it is good for.
        #[arg(long, value_enum, default_value = "all")]
        scope: ScopeWord,
        /// What it is called.
        #[arg(long)]
        name: Option<String>,
        /// When it ends: in 2h or 7d, or at a time like 2030-01-31T00:00:00 in UTC; never if left out.
        #[arg(long, value_name = "WHEN")]
        expires: Option<When>,
    },
    /// Make a code with which a browser signs in as you, and print it; it is good once, for five minutes.
    Session {
        /// What the session is to be called.
        #[arg(long)]
        name: Option<String>,
    },
    /// Give a token a new secret and print it; the old one ends at once.
    Rotate {
        /// Id of the token, as `token list` shows it.
        id: String,
    },
    /// End a token.
    Revoke {
        /// Id of the token, as `token list` shows it.
        id: String,
    },
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum ScopeWord {
    All,
    ExceptJupyter,
    Read,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum UserCommand {
    /// List the users by name.
    List,
    /// Create a user and print the first token; it cannot be seen again.
    Create {
        /// Name of the user.
        name: String,
        /// What people call the user.
        #[arg(long, value_name = "NAME")]
        nick_name: Option<String>,
        /// The team; a guest needs one.
        #[arg(long, value_name = "TEAM")]
        shared_group: Option<String>,
        /// A guest instead of a member of the organisation.
        #[arg(long)]
        external: bool,
        /// A user group to belong to; may be given again.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Let a user in.
    Activate {
        /// Name of the user.
        name: String,
    },
    /// Shut a user out.
    Deactivate {
        /// Name of the user.
        name: String,
    },
    /// Replace the groups of a user.
    Groups {
        /// Name of the user.
        name: String,
        /// All groups that the user is to belong to.
        groups: Vec<String>,
    },
}
