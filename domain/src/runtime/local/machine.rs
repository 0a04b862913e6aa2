//! The nodes of one machine: each is the whole machine under a name of its own.

use std::num::NonZero;
use std::{fs, io, thread};

use super::LocalConfig;
use crate::runtime::NodeReport;

/// Names of the virtual nodes.
pub(super) fn node_names(n_nodes: u32) -> impl Iterator<Item = String> {
    (1..=n_nodes).map(|number| format!("node-{number}"))
}

/// What the nodes have. They share it: each reports all of the machine.
pub(super) fn nodes(config: &LocalConfig) -> io::Result<Vec<NodeReport>> {
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    let cpus = u32::try_from(cpus).unwrap_or(u32::MAX);
    let memory_bytes = memory_bytes(&fs::read_to_string("/proc/meminfo")?).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "/proc/meminfo has no MemTotal")
    })?;
    let gpus = nvidia_gpus();
    let report = |name| NodeReport {
        name,
        group: config.group.clone(),
        zone: None,
        ready: true,
        cpus,
        memory_bytes,
        gpus,
    };
    Ok(node_names(config.nodes).map(report).collect())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The GPUs that the NVIDIA driver shows; none without the driver.
fn nvidia_gpus() -> u32 {
    fs::read_dir("/proc/driver/nvidia/gpus")
        .map_or(0, |gpus| u32::try_from(gpus.count()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let meminfo = "MemTotal:       24689764 kB\nMemFree:        23146776 kB\n";
        assert_eq!(memory_bytes(meminfo), Some(24_689_764 * 1024));
        assert_eq!(memory_bytes("MemFree: 1 kB\n"), None);
        assert_eq!(memory_bytes("MemTotal: many kB\n"), None);
    }
}
