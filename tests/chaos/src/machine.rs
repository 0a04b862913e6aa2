//! Machines that are none: network namespaces of this one, joined by a bridge, as long as we are root.
//!
//! ```text
//!  .1 clients   .2 PostgreSQL   .3 Redis     on the bridge
//!       │             │             │
//!  ─────┴──────┬──────┴──────┬──────┴──── …
//!             .11           .12              one process of the platform each, with the agents that it starts
//! ```
//!
//! A cut drops what comes from an address and what goes there, as a network does: nobody is told. Who is not root has one
//! machine, `127.0.0.1`, whose processes reach each other through [links](Link) that can be cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use nix::unistd::geteuid;

use crate::link::Link;

/// The machines. They go when this is dropped.
#[derive(Debug)]
pub(crate) struct Machines {
    /// Number of this run, in every name and address; absent if we are not root.
    run: Option<u32>,
    n_made: u8,
}

/// One machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Its network namespace, if it has one of its own.
    namespace: Option<String>,
    /// Its address.
    pub(crate) address: Ipv4Addr,
    /// Its cables, if it is not one of its own.
    links: Vec<Link>,
}

impl Machines {
    /// The network.
    ///
    /// # Errors
    /// If we are root and it cannot be made: `ip` and `iptables` are needed.
    pub(crate) fn new() -> Result<Self> {
        let run = is_mighty().then(|| std::process::id() % 20_000);
        let machines = Self { run, n_made: 0 };
        if let (Some(bridge), Some(run)) = (machines.bridge(), run) {
            // With an address of its own: else it takes on that of a machine that is added, and does not hear those any more
            // that have learnt the one before.
            let [.., high, low] = run.to_be_bytes();
            let address = format!("02:68:61:69:{high:02x}:{low:02x}");
            ip(&[
                "link", "add", &bridge, "address", &address, "type", "bridge",
            ])?;
            for host in [CLIENTS, POSTGRES, REDIS] {
                let address = format!("{}/24", machines.at(host));
                ip(&["address", "add", &address, "dev", &bridge])?;
            }
            ip(&["link", "set", &bridge, "up"])?;
        }
        Ok(machines)
    }

    /// Whether each machine has its own network.
    pub(crate) fn are_real(&self) -> bool {
        self.run.is_some()
    }

    /// Where PostgreSQL is.
    pub(crate) fn postgres(&self) -> Ipv4Addr {
        self.at(POSTGRES)
    }

    /// Where Redis is.
    pub(crate) fn redis(&self) -> Ipv4Addr {
        self.at(REDIS)
    }

    /// One more machine.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn add(&mut self) -> Result<Machine> {
        self.n_made += 1;
        let address = self.at(FIRST_MACHINE + self.n_made);
        let (Some(bridge), Some(run)) = (self.bridge(), self.run) else {
            return Ok(Machine {
                namespace: None,
                address,
                links: Vec::new(),
            });
        };
        let namespace = format!("hai-{run}-{}", self.n_made);
        let (inside, outside) = (
            format!("hi{run}-{}", self.n_made),
            format!("ho{run}-{}", self.n_made),
        );
        ip(&["netns", "add", &namespace])?;
        ip(&[
            "link", "add", &outside, "type", "veth", "peer", "name", &inside,
        ])?;
        ip(&["link", "set", &outside, "master", &bridge, "up"])?;
        ip(&["link", "set", &inside, "netns", &namespace])?;
        let at = |words: &[&str]| ip(&[&["-n", &namespace], words].concat());
        at(&["link", "set", "lo", "up"])?;
        at(&["address", "add", &format!("{address}/24"), "dev", &inside])?;
        at(&["link", "set", &inside, "up"])?;
        Ok(Machine {
            namespace: Some(namespace),
            address,
            links: Vec::new(),
        })
    }

    fn bridge(&self) -> Option<String> {
        self.run.map(|run| format!("hai{run}"))
    }

    fn at(&self, host: u8) -> Ipv4Addr {
        let Some(run) = self.run else {
            return Ipv4Addr::LOCALHOST;
        };
        let [.., high, low] = run.to_be_bytes();
        Ipv4Addr::new(10, 128 | high, low, host)
    }
}

/// Whether we may make networks and file systems of our own: not every root may.
pub(crate) fn is_mighty() -> bool {
    let mut try_it = Command::new("unshare");
    let output = try_it.args(["--net", "--mount", "true"]).output();
    geteuid().is_root() && output.is_ok_and(|output| output.status.success())
}

const CLIENTS: u8 = 1;
const POSTGRES: u8 = 2;
const REDIS: u8 = 3;
const FIRST_MACHINE: u8 = 10;

impl Drop for Machines {
    fn drop(&mut self) {
        let (Some(bridge), Some(run)) = (self.bridge(), self.run) else {
            return;
        };
        for number in 1..=self.n_made {
            // With a namespace goes its end of the cable, and with that the other.
            let _ = ip(&["netns", "delete", &format!("hai-{run}-{number}")]);
        }
        let _ = ip(&["link", "delete", &bridge]);
    }
}

impl Machine {
    /// A command that is to run on this machine.
    pub(crate) fn command(&self, program: &std::path::Path) -> Command {
        match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                // It becomes the program itself: the number of the process stays.
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(program);
                command
            }
        }
    }

    /// By which address its programs reach another.
    ///
    /// # Errors
    /// If no port is free.
    pub(crate) async fn reach(&mut self, other: SocketAddr) -> Result<SocketAddr> {
        if self.namespace.is_some() {
            return Ok(other);
        }
        let link = Link::to(other).await?;
        let near = link.near();
        self.links.push(link);
        Ok(near)
    }

    /// Whether it reaches others by cables.
    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// Takes the cables of another: its programs reach by them what those of the other do.
    pub(crate) fn share_links(&mut self, other: &Self) {
        self.links.extend(other.links.iter().cloned());
    }

    /// Drops everything to and from an address.
    ///
    /// # Errors
    /// If its programs do not reach it.
    pub(crate) fn cut(&self, other: SocketAddr) -> Result<()> {
        self.set_whole(other, false)
    }

    /// Undoes a cut.
    ///
    /// # Errors
    /// If there was none.
    pub(crate) fn mend(&self, other: SocketAddr) -> Result<()> {
        self.set_whole(other, true)
    }

    fn set_whole(&self, other: SocketAddr, is_whole: bool) -> Result<()> {
        let Some(namespace) = &self.namespace else {
            let link = self.links.iter().find(|link| link.far() == other);
            link.context("there is no such cable")?.set_whole(is_whole);
            return Ok(());
        };
        let change = if is_whole { "--delete" } else { "--append" };
        let other = other.ip().to_string();
        for [chain, side] in [["INPUT", "--source"], ["OUTPUT", "--destination"]] {
            let words = [
                "netns", "exec", namespace, "iptables", "--wait", change, chain, side, &other,
                "--jump", "DROP",
            ];
            ip(&words)?;
        }
        Ok(())
    }
}

fn ip(words: &[&str]) -> Result<Output> {
    let output = Command::new("ip").args(words).output();
    let output = output.context("cannot run `ip`: apt-get install iproute2 iptables")?;
    ensure!(
        output.status.success(),
        "ip {}: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output)
}
