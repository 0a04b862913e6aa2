//! The ports on which the ranks of a run meet.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use crate::runtime::RunKey;

/// How many given ports are remembered. A run that has not taken its port until so many others got theirs never will.
const N_REMEMBERED: usize = 1024;

/// Gives each run a port that is free and was not given to another run lately, as a run takes its port much later
/// than it gets it.
#[derive(Debug, Default)]
pub(super) struct Ports {
    given: Mutex<VecDeque<(RunKey, u16)>>,
}

impl Ports {
    /// The port of a run: the same each time, as long as it is remembered.
    pub(super) fn of(&self, run: &RunKey) -> io::Result<u16> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, port)) = given.iter().find(|(owner, _)| owner == run) {
            return Ok(*port);
        }
        let mut taken = Vec::new(); // Kept open, so that the next try gives another.
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            if given.iter().all(|(_, other)| *other != port) {
                given.push_back((*run, port));
                if given.len() > N_REMEMBERED {
                    given.pop_front();
                }
                return Ok(port);
            }
            taken.push(listener);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_run_keeps_its_port_and_shares_it_with_nobody() {
        let ports = Ports::default();
        let keys = (1..=300).map(|run| RunKey { task: 1, run });
        let first: Vec<u16> = keys.clone().map(|key| ports.of(&key).unwrap()).collect();
        let again: Vec<u16> = keys.map(|key| ports.of(&key).unwrap()).collect();
        assert_eq!(first, again);
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), 300);
    }
}
