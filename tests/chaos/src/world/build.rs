//! A cluster that is up: machines, disks, PostgreSQL, Redis, and the processes of the platform.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::World;
use crate::Args;
use crate::fleet::{Member, Site, faketime};
use crate::machine::Machines;
use crate::service::Service;
use crate::volume::Volume;

/// Nodes: more than tasks that live at a time, so that what starts late was not waiting for room.
const NODES: u32 = 160;
/// Where everything listens.
const PORTS: [u16; 2] = [5432, 6379];
/// What a task does: it notes whom it meets, and takes up to two seconds.
const SCRIPT: &str = r#"umask 000
me="$MARSV2_TASK_ID.$MARSV2_RANK"
exec 8>>"task-$me" 9>>"node-$MARSV2_NODE_NAME"
flock -n 8 || echo "task $me meets itself: run $MARSV2_RUN on $MARSV2_NODE_NAME" >>doubles
flock -n 9 || echo "node $MARSV2_NODE_NAME is held by another: task $me run $MARSV2_RUN" >>doubles
echo "$MARSV2_RUN" >>"task-$me"
sleep "$((RANDOM % 2)).$((RANDOM % 10))"
"#;

impl World {
    /// A cluster that is up.
    ///
    /// # Errors
    /// If it does not come up.
    pub(crate) async fn new(args: &Args) -> Result<Self> {
        let mut home = tempfile::Builder::new()
            .prefix("hai-chaos-")
            .tempdir_in("/tmp")?;
        home.disable_cleanup(args.keep);
        open(home.path(), 0o755)?;
        let at = |name: &str| home.path().join(name);
        let (data_dir, code, records) = (at("platform"), at("code"), at("records"));
        for dir in [&data_dir, &code, &records] {
            fs::create_dir(dir)?;
        }
        open(&data_dir, 0o711)?;
        open(&records, 0o777)?;
        for name in ["doubles".to_owned()]
            .into_iter()
            .chain((1..=NODES).map(|n| format!("node-node-{n}")))
        {
            fs::write(records.join(&name), "")?;
            open(&records.join(&name), 0o666)?;
        }
        fs::write(records.join("task.sh"), SCRIPT)?;
        let logs = Volume::new(&data_dir.join("log"), 64)?;
        open(&data_dir.join("log"), 0o711)?;
        let database = Volume::new(&at("postgres"), 1500)?;
        let mut machines = Machines::new()?;
        let ports = if machines.are_real() {
            PORTS
        } else {
            free_ports()?
        };
        let (db_at, redis_at) = (
            (machines.postgres(), ports[0]),
            (machines.redis(), ports[1]),
        );
        let postgres = Service::postgres(&args.postgres, &at("postgres"), db_at).await?;
        let redis = Service::redis(&at("redis"), redis_at).await?;
        let site = Site {
            program: args.server.clone(),
            data_dir: data_dir.clone(),
            code: code.clone(),
            records: records.clone(),
            faketime: faketime(),
            nodes: NODES,
        };
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        let mut members = Vec::new();
        let mut port = 8080;
        for role in ["work", "serve", "serve", "work"] {
            let mut machine = machines.add()?;
            port += 1;
            if !machines.are_real() {
                port = free_ports()?[0];
            }
            let database = machine.reach(postgres.address()).await?;
            let cache = machine.reach(redis.address()).await?;
            let agents_at = machine.reach((machine.address, port).into()).await?;
            let variables = vec![
                (
                    "HAI_DATABASE_URL",
                    format!("postgres://postgres@{database}/postgres"),
                ),
                ("HAI_REDIS_URL", format!("redis://{cache}")),
                ("HAI_AGENT_URL", format!("http://{agents_at}")),
            ];
            let member = Member::start(&site, role, (machine, port), variables)?;
            member.is_ready(&http).await?;
            members.push(member);
        }
        // Agents reach each server by the address that it tells them, wherever they are.
        let (servers, others): (Vec<_>, Vec<_>) = members.iter_mut().partition(|it| it.answers());
        for other in others {
            for server in &servers {
                other.machine.share_links(&server.machine);
            }
        }
        let said: String = members.iter().map(Member::said).collect();
        let token = said
            .split_whitespace()
            .find(|word| word.starts_with("ACCESS-"));
        let token = token.context("the first of them shows a token")?.to_owned();
        Ok(Self {
            members,
            redis,
            postgres,
            database,
            logs,
            _machines: machines,
            http,
            random: StdRng::seed_from_u64(args.seed),
            token,
            data_dir,
            records,
            n_probes: 0,
            home,
        })
    }
}

fn open(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn free_ports() -> Result<[u16; 2]> {
    let listen = || std::net::TcpListener::bind("127.0.0.1:0");
    let listeners = [listen()?, listen()?];
    Ok([
        listeners[0].local_addr()?.port(),
        listeners[1].local_addr()?.port(),
    ])
}
