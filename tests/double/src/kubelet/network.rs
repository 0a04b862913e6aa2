//! Addresses of pods on this machine, and the file of names in which they find each other.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::Value;

/// Addresses that one cluster has for its pods: those of another one on this machine are others.
const SIZE: u32 = 1 << 9;
/// So many clusters there can be.
const N_NETWORKS: u32 = 1 << 15;

/// The addresses of a cluster's pods.
#[derive(Debug)]
pub(super) struct Network {
    first: u32,
    /// Who has an address, by uid, and under which names.
    taken: BTreeMap<u32, (String, Vec<String>)>,
    file: Option<Names>,
}

#[derive(Debug)]
struct Names {
    file: File,
    /// What is in it before our own.
    usual: String,
}

impl Network {
    /// The network of the cluster whose API server has this port: no other one has it.
    pub(super) fn of(port: u16) -> Self {
        Self {
            first: (127 << 24) + (u32::from(port) % N_NETWORKS) * SIZE,
            taken: BTreeMap::new(),
            file: None,
        }
    }

    /// Keeps a file of names, for `/etc/hosts` of every pod.
    pub(super) fn keep_names(&mut self, path: &Path, usual: String) -> io::Result<()> {
        let file = OpenOptions::new();
        let file = { file }
            .create(true)
            .truncate(true)
            .write(true)
            .read(true)
            .open(path)?;
        self.file = Some(Names { file, usual });
        self.write()
    }

    /// Gives a pod an address, if one is free. It keeps it until it leaves.
    pub(super) fn join(&mut self, pod: &Value) -> io::Result<Option<Ipv4Addr>> {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        // The first two and the last one may mean something else.
        let mut all = 2..SIZE - 1;
        let Some(free) = all.find(|place| !self.taken.contains_key(place)) else {
            return Ok(None);
        };
        self.taken.insert(free, (uid.to_owned(), names(pod)));
        self.write()?;
        Ok(Some(self.address(free)))
    }

    /// Takes the address of a pod back.
    pub(super) fn leave(&mut self, uid: &str) -> io::Result<()> {
        self.taken.retain(|_, (taken, _)| taken != uid);
        self.write()
    }

    fn address(&self, place: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first + place)
    }

    fn text(&self, usual: &str) -> String {
        let mut text = usual.to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        for (place, (_, names)) in self.taken.iter().filter(|(_, (_, all))| !all.is_empty()) {
            text.push_str(&format!("{}\t{}\n", self.address(*place), names.join(" ")));
        }
        text
    }

    /// In place: it is mounted where pods read it.
    fn write(&mut self) -> io::Result<()> {
        let Some(names) = &self.file else {
            return Ok(());
        };
        let text = self.text(&names.usual);
        let mut file = &names.file;
        io::Seek::rewind(&mut file)?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }
}

/// The names by which a pod is found, as its headless service gives them.
fn names(pod: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (spec, meta) = (&pod["spec"], &pod["metadata"]);
    let Some(host) = text(&spec["hostname"]).or_else(|| text(&meta["name"])) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    if let (Some(subdomain), Some(namespace)) = (text(&spec["subdomain"]), text(&meta["namespace"]))
    {
        names.push(format!("{host}.{subdomain}.{namespace}.svc.cluster.local"));
        names.push(format!("{host}.{subdomain}"));
    }
    names.push(host);
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(uid: &str) -> Value {
        json!({"metadata": {"name": uid, "namespace": "n", "uid": uid}, "spec": {"subdomain": "ranks"}})
    }

    #[test]
    fn pods_have_addresses_of_their_own_and_are_found_by_name() {
        let mut network = Network::of(32_769);
        let first = network.join(&pod("a")).unwrap().unwrap();
        let second = network.join(&pod("b")).unwrap().unwrap();
        assert_eq!(
            [first, second],
            [Ipv4Addr::new(127, 0, 2, 2), Ipv4Addr::new(127, 0, 2, 3)]
        );
        let expected = "127.0.0.1 localhost\n\
            127.0.2.2\ta.ranks.n.svc.cluster.local a.ranks a\n\
            127.0.2.3\tb.ranks.n.svc.cluster.local b.ranks b\n";
        assert_eq!(network.text("127.0.0.1 localhost"), expected);
        network.leave("a").unwrap();
        assert_eq!(network.join(&pod("c")).unwrap(), Some(first));
    }

    #[test]
    fn there_are_only_so_many() {
        let mut network = Network::of(60_999);
        let joined = (0..SIZE).map(|n| network.join(&pod(&n.to_string())).unwrap());
        let joined: Vec<_> = joined.flatten().collect();
        assert_eq!(joined.len() as u32, SIZE - 3);
        assert!(joined.iter().all(Ipv4Addr::is_loopback));
    }
}
