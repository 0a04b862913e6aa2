//! What the commands about the user take.

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Your token; `-` reads it from standard input. Without it you are asked.
    #[arg(allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Address of the platform [default: $MARSV2_SERVER]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WhoamiArgs {
    /// Draw with ASCII characters only.
    #[arg(short, long)]
    pub(crate) ascii: bool,
}
