//! A Kubernetes cluster of this machine: the double of its API server, and kubelets that run pods as processes.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use double::{Binary, Double, Kind, KubeletOptions, Kubelets, ProcessOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::program;
use crate::site::Site;
use crate::within;

/// The image of the platform, as far as pods see it.
const AGENT_IMAGE: &str = "registry.example/hai-platform:0.1.0";
/// As many as the platform has on a laptop.
const NODES: [&str; 2] = ["node-0", "node-1"];

/// Who may do what: as it is applied to a real cluster.
const ACCESS: &str = "../deploy/base/access.yaml";

/// A cluster. It goes, with all that runs in it, when this is dropped.
#[derive(Debug)]
pub struct KubernetesCluster {
    // Kubelets end before what their pods are in.
    kubelets: Kubelets,
    double: Double,
    _pods: TempDir,
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
    /// A cluster of two nodes that may do what `deploy/` allows.
    ///
    /// # Errors
    /// If this machine lacks what it takes to run pods: the error says which package has it.
    pub async fn start() -> Result<Self> {
        let double = Double::start().await?;
        for name in NODES {
            double.add_node(name, &[("hai_mars_group", "training")])?;
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
        Ok(Self {
            kubelets,
            double,
            _pods: pods,
        })
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
        let config = format!(
            "[runtime.kubernetes]\nkubeconfig = {kubeconfig:?}\nagent_image = {AGENT_IMAGE:?}\n\
             default_image = \"registry.example/train:1\"\n"
        );
        tokio::fs::write(data_dir.join("override.toml"), config).await?;
        // Agents know the server by its address, also when it comes back.
        site.listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
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
