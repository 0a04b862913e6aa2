//! A Kubernetes cluster of this machine: the double of its API server, kubelets that run pods as processes, and the way from those to the
//! platform.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use domain::clock::{Clock, SystemClock};
use double::{Binary, Double, Key, Kind, KubeletOptions, Kubelets, ProcessOptions};
use protocol::ServerFile;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::program;
use crate::site::Site;
use crate::wire::Wire;
use crate::within;

/// The image of the platform, as far as pods see it.
const AGENT_IMAGE: &str = "registry.example/hai-platform:0.1.0";
const NAMESPACE: &str = "hai-tasks";
/// As many nodes as the platform has on a laptop.
const NODES: usize = 2;
/// An address at which nobody answers.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Who may do what: as it is applied to a real cluster.
const ACCESS: &str = "../deploy/base/access.yaml";

/// A cluster. It goes, with all that runs in it, when this is dropped.
#[derive(Debug)]
pub struct KubernetesCluster {
    // Kubelets end before what their pods are in.
    kubelets: Kubelets,
    double: Double,
    /// Where the platform is, and how agents reach it.
    server: SocketAddr,
    wire: Wire,
    pods: TempDir,
}

/// The rules about what the platform may do.
fn roles() -> Result<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(ACCESS);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text)?;
    let is_role = |object: &Value| {
        let kind = object["kind"].as_str().unwrap_or_default();
        matches!(kind, "Role" | "ClusterRole")
    };
    Ok(objects.into_iter().filter(is_role).collect())
}

impl KubernetesCluster {
    /// A cluster of two nodes in which the platform may do what `deploy/` allows.
    ///
    /// # Errors
    /// If this machine lacks what it takes to run pods: the error says which package has it.
    pub async fn start() -> Result<Self> {
        Self::with_nodes(NODES).await
    }

    /// The same with so many nodes: `node-0`, `node-1` and so on.
    ///
    /// # Errors
    /// As [`KubernetesCluster::start`].
    pub async fn with_nodes(n_nodes: usize) -> Result<Self> {
        let double = Double::start_at(Arc::new(|| SystemClock.now())).await?;
        for number in 0..n_nodes {
            let group = ("hai_mars_group", "training");
            double.add_node(&format!("node-{number}"), &[group])?;
        }
        double.allow_only(&roles()?);
        let pods = tempfile::tempdir()?;
        let kubelets = double.run_pods(KubeletOptions {
            processes: Some(ProcessOptions {
                root: pods.path().to_owned(),
                binaries: vec![Binary {
                    image: AGENT_IMAGE.to_owned(),
                    from: program("hai-agent")?,
                    at: "/usr/local/bin/hai-agent".into(),
                }],
            }),
            ..KubeletOptions::default()
        })?;
        // Agents know the server by its address, also when it comes back.
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Ok(Self {
            kubelets,
            double,
            server,
            wire: Wire::to(server).await?,
            pods,
        })
    }

    /// Cuts a node off: neither the cluster nor the platform hears of it, and it hears of neither. What runs there runs on, and has the
    /// storage.
    ///
    /// # Errors
    /// If a pod of it cannot be cut off.
    pub fn cut_off(&self, node: &str) -> Result<()> {
        self.kubelets.silence(node);
        self.move_server(node, NOWHERE)?;
        self.wire.break_all();
        Ok(())
    }

    /// Connects a node again.
    ///
    /// # Errors
    /// If a pod of it cannot be connected.
    pub fn reconnect(&self, node: &str) -> Result<()> {
        self.move_server(node, &self.wire.url)?;
        self.kubelets.hear(node);
        Ok(())
    }

    /// Tells the agents on a node where the server is. They look when they lose it.
    fn move_server(&self, node: &str, url: &str) -> Result<()> {
        let told = ServerFile {
            url: url.to_owned(),
            pid: 0,
            certificate: None,
        };
        for home in self.homes(node) {
            let (file, new) = (home.join("server.json"), home.join("server.new"));
            std::fs::write(&new, serde_json::to_vec(&told)?)?;
            std::fs::rename(new, file)?;
        }
        Ok(())
    }

    /// What the agents on a node have for themselves, as this machine sees it.
    fn homes(&self, node: &str) -> Vec<PathBuf> {
        let pods = self.double.names(Kind::Pod).into_iter();
        let pods = pods.filter_map(|name| {
            let namespace = NAMESPACE.to_owned();
            let kind = Kind::Pod;
            self.double.get(&Key {
                kind,
                namespace,
                name,
            })
        });
        let on_node = pods.filter(|pod| pod["spec"]["nodeName"] == node);
        let homes = on_node.map(|pod| {
            let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
            self.pods.path().join("pods").join(uid).join("volumes/hai")
        });
        homes.filter(|home| home.is_dir()).collect()
    }

    /// Has a platform use it.
    pub(crate) async fn configure(&self, site: &mut Site) -> Result<()> {
        let data_dir = site.data_dir();
        std::fs::DirBuilder::new().mode(0o711).create(&data_dir)?;
        let kubeconfig = site.code().with_file_name("kubeconfig");
        let url = self.double.url();
        let file = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "double",
            "contexts": [{"name": "double", "context": {"cluster": "double", "user": "nobody"}}],
            "clusters": [{"name": "double", "cluster": {"server": url}}],
            "users": [{"name": "nobody", "user": {}}],
        });
        tokio::fs::write(&kubeconfig, serde_json::to_vec(&file)?).await?;
        let server_url = &self.wire.url;
        let config = format!(
            "[runtime.kubernetes]\nkubeconfig = {kubeconfig:?}\nagent_image = {AGENT_IMAGE:?}\n\
             default_image = \"registry.example/train:1\"\nserver_url = {server_url:?}\ngive_up_after_secs = 1\n"
        );
        tokio::fs::write(data_dir.join("override.toml"), config).await?;
        site.listen = self.server;
        site.words = vec!["--mount".into(), site.code().into()];
        Ok(())
    }

    /// Waits until nothing of any task is left, and fails if something was asked for that is not allowed.
    ///
    /// # Errors
    /// If something is left, or was asked for.
    pub async fn is_left_clean(&self) -> Result<()> {
        let mut changes = self.double.changes();
        let left = || [Kind::Pod, Kind::Secret].map(|kind| self.double.names(kind));
        let empties = async {
            while left().iter().any(|names| !names.is_empty()) {
                changes.changed().await?;
            }
            anyhow::Ok(())
        };
        within(empties)
            .await
            .with_context(|| format!("{:?} are left", left()))??;
        let refused = self.double.refused();
        ensure!(refused.is_empty(), "deploy/ does not allow {refused:?}");
        ensure!(
            self.kubelets.journal().doubled().is_empty(),
            "a rank ran twice at once"
        );
        Ok(())
    }
}
