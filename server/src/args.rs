//! What can be asked of `hai-platform`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Shares a cluster between people who train models.
#[derive(Debug, Parser)]
#[command(name = "hai-platform", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine: database, scheduler, nodes, API
    Up(Up),
    /// Answer people and agents, and drive nothing: one of several, which share a PostgreSQL database
    Serve(Up),
    /// Drive runs whenever no other process does, and answer nobody: one of several, which share a PostgreSQL database
    Work(Up),
    /// Stop all servers of a data directory; running tasks go on
    Down(DataDirArgs),
    /// Show the platform at work: start it, train a small model on two nodes, check the result, clean up
    Demo,
    /// Take in users, quotas, mounts, environments and hosts of the original, from SQL files
    Import(Import),
    /// Bring the schema of the database up to date, and say what was changed; a start does it too
    Migrate(Migrate),
    /// Write everything that cannot be made anew into one file, while servers run or not: database, signing keys, settings
    Backup(Backup),
    /// Make the platform what it was when a backup was made; no server may run
    Restore(Restore),
    /// Tokens of users
    Token {
        /// What to do with tokens.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Keys with which the platform signs
    Keys {
        /// What to do with keys.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Look at everything that a platform needs and say what to do; changes nothing
    Doctor(Doctor),
    /// Print the GraphQL schema
    Schema,
    /// Supervise one rank; started by the platform itself
    #[command(hide = true)]
    Agent(agent::Args),
    /// The client: the same as `hai-cli`
    #[command(disable_help_flag = true)]
    Cli {
        /// What the client is asked.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a new token for a user and print it; it cannot be seen again
    Create {
        /// Name of the user
        user: String,
        /// Where the platform's data is
        #[command(flatten)]
        data: DataDirArgs,
    },
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Add a new key, which signs from the next start on; the others still verify
    Rotate {
        /// Where the platform's data is
        #[command(flatten)]
        data: DataDirArgs,
    },
    /// Forget a key: what it signed is no longer good from the next start on
    Drop {
        /// Name of the key, as `rotate` prints it
        key: String,
        /// Where the platform's data is
        #[command(flatten)]
        data: DataDirArgs,
    },
}

/// Where the platform's data is.
#[derive(Debug, Clone, Args)]
pub struct DataDirArgs {
    /// Directory of the platform's data [default: ~/.local/share/hai-platform; /var/lib/hai-platform for root]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// What to take in.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// Where the platform's data is
    #[command(flatten)]
    pub data: DataDirArgs,
    /// Value of ${NAME} in the files, before that of the environment; may be given again
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Look at everything and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Files in the form of the original's init.sql
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("it must have the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What to bring up to date.
#[derive(Debug, Clone, Args)]
pub struct Migrate {
    /// Where the platform's data is
    #[command(flatten)]
    pub data: DataDirArgs,
    /// Change nothing: list what is pending, and end with 1 if anything is, with 2 if that cannot be said
    #[arg(long)]
    pub check: bool,
    /// File with settings [default: override.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to keep.
#[derive(Debug, Clone, Args)]
pub struct Backup {
    /// Where the platform's data is
    #[command(flatten)]
    pub data: DataDirArgs,
    /// File with settings that the platform is started with [default: override.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// File to write; it must not be there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// What to bring back.
#[derive(Debug, Clone, Args)]
pub struct Restore {
    /// Where the platform's data is to be
    #[command(flatten)]
    pub data: DataDirArgs,
    /// File with settings [default: override.toml in the data directory, else the one in the backup]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// If there is a platform already, move it aside: nothing of it is deleted
    #[arg(long)]
    pub force: bool,
    /// What `backup` has written
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// What to look at.
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// Where the platform's data is
    #[command(flatten)]
    pub data: DataDirArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// File with settings that the platform is started with [default: override.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How to start.
#[derive(Debug, Clone, Args)]
pub struct Up {
    /// Where the platform's data is
    #[command(flatten)]
    pub data: DataDirArgs,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Number of virtual nodes
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub nodes: u32,
    /// Directory that tasks can read, beside your home and the present directory; may be given again
    #[arg(long = "mount", value_name = "DIR")]
    pub mounts: Vec<PathBuf>,
    /// File with settings [default: override.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
