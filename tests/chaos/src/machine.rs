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
//! machine, `127.0.0.1`, which cannot be cut.

use std::net::Ipv4Addr;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use nix::unistd::geteuid;

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
}

impl Machines {
    /// The network.
    ///
    /// # Errors
    /// If we are root and it cannot be made: `ip` and `iptables` are needed.
    pub(crate) fn new() -> Result<Self> {
        let run = is_mighty().then(|| std::process::id() % 20_000);
        let machines = Self { run, n_made: 0 };
        if let Some(bridge) = machines.bridge() {
            ip(&["link", "add", &bridge, "type", "bridge"])?;
            for host in [CLIENTS, POSTGRES, REDIS] {
                let address = format!("{}/24", machines.at(host));
                ip(&["address", "add", &address, "dev", &bridge])?;
            }
            ip(&["link", "set", &bridge, "up"])?;
        }
        Ok(machines)
    }

    /// Whether machines can be cut from each other.
    pub(crate) fn can_be_cut(&self) -> bool {
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

    /// Drops everything to and from an address.
    ///
    /// # Errors
    /// If the machine is not one of its own.
    pub(crate) fn cut(&self, from: Ipv4Addr) -> Result<()> {
        self.filter("--append", from)
    }

    /// Undoes a cut.
    ///
    /// # Errors
    /// If there was none.
    pub(crate) fn mend(&self, from: Ipv4Addr) -> Result<()> {
        self.filter("--delete", from)
    }

    fn filter(&self, change: &str, other: Ipv4Addr) -> Result<()> {
        let namespace = self.namespace.as_deref().context("only root can cut")?;
        let other = other.to_string();
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
