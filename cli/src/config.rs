//! What the process is told from outside: the environment, and the saved login.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::address::{Address, AddressError};

/// The variables that this program reads; nothing else does. Empty ones count as absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `HFAI_CLIENT_CONFIG`: the configuration file instead of the usual ones.
    pub(crate) config_file: Option<PathBuf>,
    /// `MARSV2_USER_TOKEN`: used where no file has a token.
    pub(crate) token: Option<Token>,
    /// `MARSV2_SERVER`: used where no file has an address.
    pub(crate) server: Option<String>,
    /// `MARSV2_TASK_BACKEND`: the environment of new tasks.
    pub(crate) image: Option<String>,
    /// `NO_COLOR` is set, or `TERM` is `dumb`.
    pub(crate) no_colour: bool,
}

impl Environment {
    /// Reads the variables of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the client reads its environment"
    )]
    pub(crate) fn read() -> Self {
        let path = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            home: path("HOME"),
            config_file: path("HFAI_CLIENT_CONFIG"),
            token: text("MARSV2_USER_TOKEN").map(Token::new),
            server: text("MARSV2_SERVER"),
            image: text("MARSV2_TASK_BACKEND"),
            no_colour: text("NO_COLOR").is_some() || text("TERM").as_deref() == Some("dumb"),
        }
    }

    /// Where a login is saved.
    pub(crate) fn save_path(&self) -> Result<PathBuf, ConfigError> {
        match (&self.config_file, &self.home) {
            (Some(file), _) => Ok(file.clone()),
            (None, Some(home)) => Ok(home.join(".hai/conf.yaml")),
            (None, None) => Err(ConfigError::NoHome),
        }
    }

    /// Where a login may have been saved, the first existing file counts.
    fn read_paths(&self) -> Vec<PathBuf> {
        match (&self.config_file, &self.home) {
            (Some(file), _) => vec![file.clone()],
            (None, Some(home)) => vec![home.join(".hai/conf.yaml"), home.join(".hfai/conf.yml")],
            (None, None) => vec![],
        }
    }
}

/// A secret that proves who the user is. It is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Token(String);

impl Token {
    /// Takes a text, without the white space around it.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The secret itself, for the header and the file.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// Whether it can be a token at all: visible ASCII, at least one character.
    pub(crate) fn is_plausible(&self) -> bool {
        !self.0.is_empty() && self.0.chars().all(|c| c.is_ascii_graphic())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Which platform, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) address: Address,
    pub(crate) token: Token,
}

/// Why there is no usable login.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("HOME is not set, so there is no place for the configuration")]
    NoHome,
    #[error("no {0} is configured")]
    Missing(&'static str),
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not a configuration", path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    #[error("the configured address cannot be used")]
    Address(#[from] AddressError),
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The file's keys; those of the original that have no meaning here are let be.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ConfigFile {
    #[serde(default)]
    token: Option<Token>,
    #[serde(default)]
    url: Option<String>,
}

impl Login {
    /// The saved login; each of its two parts comes from the environment if the file lacks it.
    pub(crate) fn load(environment: &Environment) -> Result<Self, ConfigError> {
        let file = read_file(environment)?;
        let url = file.url.filter(|url| !url.trim().is_empty());
        let url = url.or_else(|| environment.server.clone());
        let token = file.token.filter(Token::is_plausible);
        let token = token.or_else(|| environment.token.clone());
        Ok(Self {
            address: Address::parse(&url.ok_or(ConfigError::Missing("platform"))?)?,
            token: token.ok_or(ConfigError::Missing("token"))?,
        })
    }

    /// Writes the login so that only this user can read it, and so that a crash leaves the old file or the new one.
    pub(crate) fn save(&self, environment: &Environment) -> Result<PathBuf, ConfigError> {
        let path = environment.save_path()?;
        let is_own_directory = environment.config_file.is_none();
        let file = ConfigFile {
            token: Some(self.token.clone()),
            url: Some(self.address.to_string()),
        };
        let written = serde_saphyr::to_string(&file)
            .map_err(io::Error::other)
            .and_then(|text| write_private(&path, &text, is_own_directory));
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(ConfigError::Write { path, source }),
        }
    }
}

fn read_file(environment: &Environment) -> Result<ConfigFile, ConfigError> {
    for path in environment.read_paths() {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        if text.trim().is_empty() {
            continue;
        }
        // A snippet of the file in the message could show the token.
        let options = serde_saphyr::options! { with_snippet: false };
        return serde_saphyr::from_str_with_options(&text, options)
            .map_err(Box::new)
            .map_err(|source| ConfigError::Parse { path, source });
    }
    Ok(ConfigFile::default())
}

fn write_private(path: &Path, text: &str, is_own_directory: bool) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    if is_own_directory {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    // Temporary files are made with mode 0600, which the rename keeps.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let environment = Environment {
            home: Some(home.path().to_owned()),
            ..Environment::default()
        };
        (home, environment)
    }

    fn login(environment: &Environment) -> (String, String) {
        let login = Login::load(environment).unwrap();
        (login.address.to_string(), login.token.secret().to_owned())
    }

    #[test]
    fn the_documented_file_wins_over_the_originals() {
        let documented = (".hai/conf.yaml", "token: a\nurl: http://a\n");
        let original = (".hfai/conf.yml", "token: b\nurl: http://b\nbff_url: x\n");
        let (_home, environment) = home(&[documented, original]);
        assert_eq!(login(&environment), ("http://a".into(), "a".into()));
        let (_home, environment) = home(&[original]);
        assert_eq!(login(&environment), ("http://b".into(), "b".into()));
    }

    #[test]
    fn each_part_that_the_file_lacks_comes_from_the_environment() {
        let (_home, mut environment) = home(&[(".hai/conf.yaml", "url: localhost:1\n")]);
        environment.token = Some(Token::new("from-env"));
        environment.server = Some("http://ignored".to_owned());
        assert_eq!(
            login(&environment),
            ("http://localhost:1".into(), "from-env".into())
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_home, mut environment) = home(&[]);
        let missing = |environment: &Environment| match Login::load(environment) {
            Err(ConfigError::Missing(what)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(&environment), "platform");
        environment.server = Some("http://a".to_owned());
        assert_eq!(missing(&environment), "token");
    }

    #[test]
    fn a_corrupt_file_is_an_error_that_does_not_show_the_token() {
        let (_home, environment) = home(&[(".hai/conf.yaml", "token: [s3cret\n")]);
        let error = Login::load(&environment).unwrap_err();
        assert!(matches!(error, ConfigError::Parse { .. }));
        assert!(
            !format!("{error:?} {error}").contains("s3cret"),
            "{error:?}"
        );
    }

    #[test]
    fn a_saved_login_is_private_and_is_read_again() {
        let (home, environment) = home(&[(".hai/conf.yaml", "old")]);
        fs::set_permissions(home.path().join(".hai"), fs::Permissions::from_mode(0o755)).unwrap();
        let saved = Login {
            address: Address::parse("http://127.0.0.1:7777").unwrap(),
            token: Token::new(" ACCESS-123:#yes\n"),
        };
        let path = saved.save(&environment).unwrap();
        assert_eq!(path, home.path().join(".hai/conf.yaml"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

        assert_eq!(Login::load(&environment).unwrap(), saved);
    }

    #[test]
    fn a_given_file_is_used_alone_and_its_directory_left_as_it_is() {
        let (home, mut environment) = home(&[(".hai/conf.yaml", "token: a\nurl: http://a\n")]);
        let directory = home.path().join("shared");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        environment.config_file = Some(directory.join("c.yml"));
        assert!(Login::load(&environment).is_err());
        let saved = Login {
            address: Address::parse("http://b").unwrap(),
            token: Token::new("b"),
        };
        saved.save(&environment).unwrap();
        assert_eq!(Login::load(&environment).unwrap(), saved);
        let mode = fs::metadata(&directory).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o755);
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        assert_eq!(format!("{:?}", Token::new(" s3cret\n")), "Token(…)");
    }
}
