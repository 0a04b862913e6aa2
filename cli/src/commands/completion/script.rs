//! What each shell runs to complete a word: it asks this program. Where nothing fits, files do.

use crate::args::Shell;

const BASH: &str = r#"_hai_cli() {
    local IFS=$'\n'
    COMPREPLY=($(hai-cli __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _hai_cli hai-cli
"#;

const ZSH: &str = r#"#compdef hai-cli
_hai_cli() {
    local -a candidates
    candidates=("${(@f)$(hai-cli __complete -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    if [[ -n "${candidates[*]}" ]]; then
        compadd -a candidates
    else
        _files
    fi
}
compdef _hai_cli hai-cli
"#;

const FISH: &str = r#"function __hai_cli_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l candidates (hai-cli __complete -- $words[2..-1] "$current" 2>/dev/null)
    if set -q candidates[1]
        printf '%s\n' $candidates
    else
        __fish_complete_path "$current"
    end
end
complete -c hai-cli -f -a '(__hai_cli_complete)'
"#;

/// The script for a shell.
pub(super) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    }
}
