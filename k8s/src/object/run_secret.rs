//! The Secret of a run: what its ranks are started with. It owns their pods.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use domain::runtime::LaunchRank;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use protocol::{FENCE_FILE, Launch, LogLimits, PROTOCOL_VERSION, RankPart, ServerFile, split};

use super::ObjectError;
use crate::cluster::Cluster;
use crate::labels;
use crate::names::{self, path};

/// What the API server accepts.
const MOST_BYTES: usize = 1 << 20;

/// The Secret of the run of these ranks.
///
/// # Errors
/// If there are more ranks than it can hold.
pub fn secret(
    cluster: &Cluster,
    launches: &[impl Borrow<LaunchRank>],
    log: LogLimits,
) -> Result<Secret, ObjectError> {
    let mut data = BTreeMap::from([(names::SERVER.to_owned(), json(&server(cluster)))]);
    let (mut name, mut all_labels) = (String::new(), labels::of_ranks());
    let mut annotations = None;
    if let Some(first) = launches.first().map(Borrow::borrow) {
        let run = first.key.run_key();
        name = names::secret(&run);
        all_labels = labels::of_run(&run, &first.user);
        annotations = labels::annotations(&first.log_dir);
        let common = whole(first, log);
        for launch in launches.iter().map(Borrow::borrow) {
            let part: RankPart = split(&common, whole(launch, log), launch.token.expose());
            data.insert(names::part(launch.key.rank), json(&part));
        }
        data.insert(names::COMMON.to_owned(), json(&common));
    }
    let bytes = data
        .iter()
        .map(|(key, value)| key.len() + value.0.len())
        .sum();
    if bytes > MOST_BYTES {
        return Err(ObjectError::TooLarge {
            ranks: launches.len(),
            bytes,
            most: MOST_BYTES,
        });
    }
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(cluster.namespace.clone()),
            labels: Some(all_labels),
            annotations,
            ..ObjectMeta::default()
        },
        immutable: Some(false),
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    })
}

/// What an agent is told, with the paths inside its pod.
fn whole(launch: &LaunchRank, log: LogLimits) -> Launch {
    Launch {
        protocol_version: PROTOCOL_VERSION,
        task_id: launch.key.task,
        run: launch.key.run,
        rank: launch.key.rank,
        world_size: launch.run_world_size,
        node: launch.node.clone(),
        server_file: path::SERVER.into(),
        token_file: path::TOKEN.into(),
        rank_dir: path::RANK.into(),
        log_dir: launch.log_dir.clone(),
        log,
        command: launch.command.clone(),
        identity: launch.identity(),
        silence_secs: launch.silence_secs,
        last_word: Some(path::LAST_WORD.into()),
        home: launch.container.home.clone(),
        fence: Some(launch.log_dir.join(FENCE_FILE)),
    }
}

fn server(cluster: &Cluster) -> ServerFile {
    ServerFile {
        url: cluster.server_url.clone(),
        pid: 0,
        certificate: cluster.server_certificate.clone(),
    }
}

fn json(value: &impl serde::Serialize) -> ByteString {
    // Plain types with text for keys can always be written.
    ByteString(serde_json::to_vec(value).unwrap_or_default())
}
