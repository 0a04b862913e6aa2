//! What completion takes.

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    /// Whose script.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// A shell that can complete words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU bash: `source <(hai-cli completion bash)`.
    Bash,
    /// Z shell: `source <(hai-cli completion zsh)`, behind `compinit`.
    Zsh,
    /// fish: `hai-cli completion fish | source`.
    Fish,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompleteArgs {
    /// The words after the program's name; the last one is being typed and may be empty.
    #[arg(num_args = 0.., trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}
