//! A container: a process of this machine, or nothing but the word that it runs.

use std::future::pending;

use serde_json::Value;

use super::behaviour::{Behaviour, End};
use super::process::{Process, Start};
use super::volume::{self, Mount};
use super::ward::{Kept, Ward};

/// A container that runs.
pub(super) enum Container {
    Process(Box<Process>),
    Simulated {
        when_asked: Option<End>,
        end: Option<End>,
    },
}

/// Why a container cannot run.
pub(super) enum Trouble {
    /// As it is written it never can.
    Config(String),
    /// It was tried.
    Start(String),
}

impl Container {
    /// Starts a container of a pod.
    pub(super) async fn start(
        ward: &Ward,
        kept: &Kept,
        spec: &Value,
        behaviour: &Behaviour,
    ) -> Result<Self, Trouble> {
        let Kept::Directories(places, volumes) = kept else {
            return Ok(Self::Simulated {
                when_asked: behaviour.when_asked.clone(),
                end: None,
            });
        };
        let Some((options, programs)) = &ward.processes_of() else {
            return Err(Trouble::Config("its kubelet runs no processes".to_owned()));
        };
        let mut mounts = volume::mounts(spec, volumes).map_err(Trouble::Config)?;
        let image = spec["image"].as_str().unwrap_or_default();
        let binaries = options.binaries.iter();
        let binaries = binaries.filter(|binary| image.starts_with(&binary.image));
        mounts.extend(binaries.map(|binary| Mount {
            from: binary.from.clone(),
            at: binary.at.clone(),
            read_only: true,
        }));
        let is_told = mounts.iter().any(|mount| mount.at.ends_with("etc/hosts"));
        if !is_told {
            mounts.push(Mount {
                from: options.hosts(),
                at: "/etc/hosts".into(),
                read_only: true,
            });
        }
        let start = Start {
            name: spec["name"].as_str().unwrap_or_default().to_owned(),
            pod: places.pod.clone(),
            command: command(spec).map_err(Trouble::Config)?,
            env: env(spec).map_err(Trouble::Config)?,
            directory: spec["workingDir"].as_str().unwrap_or("/").to_owned(),
            mounts,
            word_at: spec["terminationMessagePath"]
                .as_str()
                .unwrap_or("/dev/termination-log")
                .into(),
        };
        let process = Process::start(programs, start, &ward.processes).await;
        let process = process.map_err(|error| Trouble::Start(format!("{error:#}")))?;
        Ok(Self::Process(Box::new(process)))
    }

    /// Waits until nothing of it runs: how it ended. It may be called again.
    pub(super) async fn ended(&mut self) -> End {
        match self {
            Self::Process(process) => End {
                code: process.ended().await,
                reason: None,
                message: process.last_word(),
            },
            Self::Simulated { end: Some(end), .. } => end.clone(),
            Self::Simulated { end: None, .. } => pending().await,
        }
    }

    /// Asks it to end.
    pub(super) fn ask(&mut self) {
        match self {
            Self::Process(process) => process.ask(),
            Self::Simulated { when_asked, end } => {
                if end.is_none() {
                    end.clone_from(when_asked);
                }
            }
        }
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        match self {
            Self::Process(process) => process.kill(),
            Self::Simulated { end, .. } => {
                end.get_or_insert_with(|| End::of_code(137));
            }
        }
    }
}

fn command(spec: &Value) -> Result<Vec<String>, String> {
    let words = ["command", "args"].into_iter();
    let words = words.flat_map(|part| spec[part].as_array().into_iter().flatten());
    let words: Vec<String> = { words.filter_map(Value::as_str) }
        .map(str::to_owned)
        .collect();
    match spec["command"][0].is_string() {
        true => Ok(words),
        false => Err("what its image would run is not known here".to_owned()),
    }
}

fn env(spec: &Value) -> Result<Vec<(String, String)>, String> {
    let all = spec["env"].as_array().into_iter().flatten();
    let all = all.map(|variable| {
        let text = |part: &str| variable[part].as_str().unwrap_or_default().to_owned();
        match variable["valueFrom"].is_null() {
            true => Ok((text("name"), text("value"))),
            false => Err(format!(
                "where the variable {} comes from is not known here",
                text("name")
            )),
        }
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_is_started_with_what_its_spec_says() {
        let spec = json!({"command": ["a", "b"], "args": ["c"], "env": [{"name": "X", "value": "1"}, {"name": "Y"}]});
        assert_eq!(command(&spec).unwrap(), ["a", "b", "c"]);
        let expected = [("X", "1"), ("Y", "")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(env(&spec).unwrap(), expected);
        let foreign = json!({"args": ["c"], "env": [{"name": "X", "valueFrom": {"fieldRef": {}}}]});
        assert!(command(&foreign).is_err() && env(&foreign).is_err());
    }
}
