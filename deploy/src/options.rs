//! What can be asked of the program.

use std::path::PathBuf;

use clap::Parser;

use crate::settings::{Nfs, Settings};

/// Writes the objects with which the platform runs in a cluster; what is left out is as in the repository.
#[derive(Debug, Parser)]
#[command(name = "deploy", bin_name = "cargo xtask deploy --", version)]
pub struct Options {
    /// Folder to write to, instead of this one of the repository
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// The platform's own image
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// The image of tasks whose environment names none
    #[arg(long, value_name = "IMAGE")]
    default_image: Option<String>,
    /// Where the platform has its data, and where nodes have it if tasks have no claim on it
    #[arg(long, value_name = "DIR", value_parser = absolute)]
    data_dir: Option<String>,
    /// Name of the host at which people reach the platform
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Directory with the data on an NFS server
    #[arg(long, value_name = "SERVER:DIR", value_parser = nfs)]
    nfs: Option<Nfs>,
}

impl Options {
    /// The settings that were asked for.
    pub fn settings(self) -> Settings {
        let usual = Settings::default();
        Settings {
            image: self.image.unwrap_or(usual.image),
            default_image: self.default_image.unwrap_or(usual.default_image),
            data_dir: self.data_dir.unwrap_or(usual.data_dir),
            host: self.host.unwrap_or(usual.host),
            nfs: self.nfs.unwrap_or(usual.nfs),
        }
    }
}

fn absolute(text: &str) -> Result<String, String> {
    match text.strip_prefix('/') {
        Some(rest) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err("it must be a path from the root on".to_owned()),
    }
}

fn nfs(text: &str) -> Result<Nfs, String> {
    let (server, path) = text
        .split_once(':')
        .ok_or("it must have the form SERVER:DIR")?;
    Ok(Nfs {
        server: server.to_owned(),
        path: absolute(path)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_set_and_the_rest_is_usual() {
        let words = [
            "deploy",
            "--nfs",
            "nas:/export/hai",
            "--image",
            "r.example/hai:2",
        ];
        let settings = Options::try_parse_from(words).unwrap().settings();
        let nfs = Nfs {
            server: "nas".to_owned(),
            path: "/export/hai".to_owned(),
        };
        let expected = Settings {
            image: "r.example/hai:2".to_owned(),
            nfs,
            ..Settings::default()
        };
        assert_eq!(settings, expected);
        for wrong in [["deploy", "--nfs", "nas"], ["deploy", "--data-dir", "data"]] {
            assert!(Options::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
