//! What starts a script, here and on the platform.

/// What starts a script: the command it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `python3 -u`.
    Python,
    /// `bash`.
    Bash,
    /// The script itself.
    Exec,
}

impl Runner {
    /// Why the platform would start a script of this name differently; it goes by the ending alone.
    pub(crate) fn objection(self, script: &str) -> Option<&'static str> {
        let is_python = script.ends_with(".py");
        match self {
            Self::Python if !is_python => {
                Some("the platform gives only scripts named *.py to Python: rename it")
            }
            Self::Bash if is_python => {
                Some("the platform gives scripts named *.py to Python: use `python`, or rename it")
            }
            Self::Python | Self::Bash | Self::Exec => None,
        }
    }
}
