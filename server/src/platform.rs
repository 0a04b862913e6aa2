//! The running platform: database, local runtime, workers and API in one process.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::{Capacity, Proxies, Rate};
use axum::http::HeaderValue;
use chrono::TimeDelta;
use domain::auth::Token;
use domain::clock::{Clock, SharedClock, SystemClock};
use domain::events::{Courier, Events, Origin};
use domain::logs::LogStore;
use domain::metrics::Metrics;
use domain::mount::Mount;
use domain::node::Masks;
use domain::redis::Redis;
use domain::retention::Retention;
use domain::run::Graces;
use domain::runtime::local::LocalConfig;
use domain::setup::{self, FirstUser};
use domain::store::{Connections, Location, Store};
use domain::task::Submits;
use domain::{App, Settings};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::gethostname;
use rand::rngs::StdRng;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bundle;
use crate::data_dir::DataDir;
use crate::database;
use crate::kubernetes::{Here, Kubernetes};
use crate::ranks::{LOG_LIMITS, Ranks, Watching};
use crate::relay;
use crate::seat::{Seat, Starting};
use crate::threads::Threads;
use crate::tls;

/// The group of the local runtime's nodes, unless another is chosen.
pub const GROUP: &str = "training";

/// How often the clock of a shared database is heard.
const HEAR: Duration = Duration::from_secs(5);

/// How long what is short may still take after a stop was asked for. With what comes behind it, a stop takes 10 s at most.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long the runtime and the database may take to be let go.
const GOODBYE: Duration = Duration::from_millis(1500);

/// What a process does. Of each there may be any number, where they share a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Both of the others.
    Both,
    /// It answers people and agents.
    Serve,
    /// It drives runs, whenever no other process does.
    Work,
}

impl Role {
    fn serves(self) -> bool {
        matches!(self, Self::Both | Self::Serve)
    }

    fn works(self) -> bool {
        matches!(self, Self::Both | Self::Work)
    }
}

/// How to start a platform.
#[derive(Debug, Clone)]
pub struct PlatformConfig {
    /// What this process does.
    pub role: Role,
    /// Where the data is.
    pub data_dir: DataDir,
    /// Which database.
    pub database: Location,
    /// How it is used, if it is PostgreSQL.
    pub connections: Connections,
    /// A Redis that several servers share.
    pub redis: Option<Redis>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where agents reach this process, if not there.
    pub agent_url: Option<String>,
    /// With these, only over TLS.
    pub tls: Option<tls::Files>,
    /// Whose word counts on where requests come from.
    pub proxies: Proxies,
    /// Origins of pages elsewhere that may ask the API.
    pub allowed_origins: Vec<HeaderValue>,
    /// Whether browsers may sign in over plain HTTP from other machines.
    pub insecure_cookies: bool,
    /// How often one token may ask; as often as it likes if absent.
    pub rate: Option<Rate>,
    /// How much is done, and is open, at the same time.
    pub capacity: Capacity,
    /// Number of virtual nodes.
    pub nodes: u32,
    /// Their group.
    pub group: String,
    /// Directories that tasks can read.
    pub mounts: Vec<PathBuf>,
    /// The cluster where tasks run; on this machine if absent.
    pub kubernetes: Option<Kubernetes>,
    /// Whether each node of it has an InfiniBand card.
    pub has_rdma: bool,
    /// Executable and first arguments of the agent.
    pub agent_command: Vec<OsString>,
    /// Whether commands run as their owners: needs root.
    pub switch_user: bool,
    /// The first administrator of a new platform.
    pub first_user: FirstUser,
    /// How long the platform waits.
    pub timing: Timing,
}

/// How long the platform waits for what may still come.
#[derive(Debug, Clone)]
pub struct Timing {
    /// How long things may take when a run ends.
    pub graces: Graces,
    /// How long every rank of a run may take to register.
    pub start_limit: TimeDelta,
    /// How long a rank without a process and without a record may still come back.
    pub reattach: TimeDelta,
    /// Silence after which rank 0 is ended, unless the task says otherwise.
    pub silence: Duration,
    /// How often workers look even if nobody woke them.
    pub period: Duration,
    /// How long it is kept what people did; for ever if absent.
    pub audit_keep: Option<TimeDelta>,
    /// How long what is over is kept.
    pub retention: Retention,
}

impl Default for Timing {
    /// What the documentation says.
    fn default() -> Self {
        Self {
            graces: Graces::default(),
            start_limit: TimeDelta::minutes(3),
            reattach: TimeDelta::seconds(30),
            silence: Duration::from_secs(1800),
            period: Duration::from_secs(5),
            audit_keep: None,
            retention: Retention::default(),
        }
    }
}

/// A platform that runs until it is stopped. Tasks outlive it.
#[derive(Debug)]
pub struct Platform {
    /// Base address of the API.
    pub url: String,
    /// What use cases are given.
    pub app: App,
    /// The first administrator's token, if the platform was new.
    pub first_token: Option<Token>,
    ranks: Ranks,
    tracker: TaskTracker,
    stop: CancellationToken,
    _seat: Arc<Seat>,
    _threads: [Threads; 2],
}

impl Platform {
    /// Starts everything.
    ///
    /// # Errors
    /// One clear sentence: the directory is taken, cannot be written or belongs to another database, the address is in
    /// use, the database is from a newer version.
    pub async fn start(config: PlatformConfig) -> Result<Self> {
        let role = config.role;
        let workers = Threads::of_workers().context("the workers have no threads")?;
        let aside = Threads::aside().context("live connections have no threads")?;
        config.data_dir.prepare()?;
        let starting = {
            let data_dir = config.data_dir.clone();
            tokio::task::spawn_blocking(move || Starting::wait(&data_dir)).await??
        };
        let alone = matches!(config.database, Location::Sqlite(_));
        let seat = match config.kubernetes {
            None => Seat::take(&config.data_dir, alone, &starting),
            Some(_) => Seat::take_from(&host(), &config.data_dir, alone, &starting),
        }?;
        database::check(&config.data_dir, &config.database)?;
        let tls = config.tls.clone().map(tls::Current::of).transpose()?;
        let listener = listen(config.listen).await?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        // Of servers that start together, each finds what the one before has written.
        let (store, start_up) = Store::start(&config.database, &config.connections).await?;
        database::remember(&config.data_dir, &config.database)?;
        let mut random: StdRng = rand::make_rng();
        let keys = config.data_dir.keys(&mut random)?;
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        let clock = clock(&store, &tracker, &stop).await?;
        let events = Events::default();
        let agent_url = config.agent_url.clone().unwrap_or_else(|| url.clone());
        let ranks = match &config.kubernetes {
            None => Ranks::local(local(&config))?,
            Some(_) if !role.works() => Ranks::Elsewhere,
            Some(kubernetes) => {
                let here = Here {
                    agent_url: &agent_url,
                    certificate: tls.as_ref().and_then(tls::Current::own),
                    data_dir: &config.data_dir,
                    has_rdma: config.has_rdma,
                };
                let watching = Watching {
                    clock: clock.clone(),
                    events: &events,
                    tracker: &tracker,
                    stop: &stop,
                };
                Ranks::clusters(kubernetes, &here, watching).await?
            }
        };
        let masks = Masks::load(&store, clock.now(), &mut random).await?;
        let app = App {
            store,
            submits: Submits::default(),
            served_since: clock.now(),
            clock,
            runtime: ranks.runtime(),
            events,
            logs: LogStore::new(config.data_dir.logs()),
            keys: Arc::new(keys),
            masks,
            metrics: Metrics::default(),
            settings: Arc::new(settings(&config)),
            fence: None,
        };
        let first_token = setup::prepare(&app, config.first_user, &mut random).await?;
        start_up.release().await;
        bundle::unpack(bundle::HFAI, &config.data_dir.python())?;
        drop(starting);
        if let Some(relay) = relay::choose(config.redis.as_ref(), &config.database) {
            let courier = Courier {
                relay,
                origin: Origin::new(&mut random),
                events: app.events.clone(),
                metrics: app.metrics.relay.clone(),
            };
            courier.start(&tracker, &stop);
        }
        if role.serves() {
            let certificate = tls.as_ref().and_then(tls::Current::own);
            seat.announce(agent_url.clone(), certificate)?;
        }
        if role.works() {
            let (first_look, looked) = oneshot::channel();
            let holder = holder(address);
            let lead = domain::workers::lead(app.clone(), holder, first_look, stop.clone());
            tracker.spawn_on(lead, workers.handle());
            // Quotas and submits refer to the nodes' group: it is there before anybody can ask.
            let _ = looked.await;
        }
        let make = match role.serves() {
            true => api::front,
            false => api::probe_front,
        };
        let front = make(
            api::ApiConfig {
                allowed_origins: config.allowed_origins,
                insecure_cookies: config.insecure_cookies,
                over_tls: tls.is_some(),
                proxies: config.proxies,
                rate: config.rate,
                capacity: within_files(config.capacity)?,
                counts: relay::counts(config.redis.as_ref(), &app.store, &tracker, &stop)?,
                aside: Some(aside.handle().clone()),
                ..api::ApiConfig::default()
            },
            app.clone(),
            tracker.clone(),
            stop.clone(),
        );
        let shown = tls.as_ref().map(tls::Current::config).transpose()?;
        let door = tls::Door::new(shown);
        let seat = Arc::new(seat);
        if let Some(tls) = tls {
            let seat = seat.clone();
            let is_announced = role.serves();
            tracker.spawn(tls.watch(stop.clone(), move |certificate| {
                if is_announced && let Err(error) = seat.announce(agent_url.clone(), certificate) {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "agents are not told of the new certificate");
                }
            }));
        }
        let open = move |socket| door.clone().open(socket);
        tracker.spawn(front.serve(listener, open, stop.clone()));
        Ok(Self {
            url,
            app,
            first_token,
            ranks,
            tracker,
            stop,
            _seat: seat,
            _threads: [workers, aside],
        })
    }

    /// Stops the server: first what is short is finished, then the rest is dropped. Tasks go on.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .is_err()
        {
            tracing::warn!("some work did not end in time and is dropped");
        }
        let close = async {
            self.ranks.close().await;
            self.app.store.close().await;
        };
        if tokio::time::timeout(GOODBYE, close).await.is_err() {
            tracing::warn!("the database is not let go in time");
        }
    }
}

/// The time: that of the database where several machines share it, as it is heard again and again.
async fn clock(
    store: &Store,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Arc<dyn Clock>> {
    let Some((heard, at)) = store.time().await? else {
        return Ok(Arc::new(SystemClock));
    };
    let clock = Arc::new(SharedClock::new(heard, at));
    let (store, stop, heard) = (store.clone(), stop.clone(), clock.clone());
    tracker.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(HEAR) => {}
            }
            // If it is away, the machine's steady clock goes on.
            if let Ok(Some((now, at))) = store.time().await {
                heard.set(now, at);
            }
        }
    });
    Ok(clock)
}

/// Name of this process among those that may drive the platform.
fn holder(address: SocketAddr) -> String {
    let host = host();
    format!("{host} at {address}, process {}", std::process::id())
}

/// Name of this machine, or of the pod that this runs in.
fn host() -> String {
    let host = gethostname().unwrap_or_default();
    host.to_string_lossy().into_owned()
}

/// Each connection is an open file, and there must be some left for everything else.
fn within_files(capacity: Capacity) -> Result<Capacity> {
    let (most, _) = getrlimit(Resource::RLIMIT_NOFILE).context("the limit of open files")?;
    let most = usize::try_from(most / 4 * 3).unwrap_or(usize::MAX);
    Ok(Capacity {
        connections: capacity.connections.min(most),
        ..capacity
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on: choose another with --listen ADDRESS:PORT")
    })
}

fn local(config: &PlatformConfig) -> LocalConfig {
    LocalConfig {
        data_dir: config.data_dir.path().to_owned(),
        workspaces: config.data_dir.workspaces(),
        server_file: config.data_dir.server_file(),
        agent_command: config.agent_command.clone(),
        agent_env: Vec::new(),
        nodes: config.nodes,
        group: config.group.clone(),
        log_limits: LOG_LIMITS,
        switch_user: config.switch_user,
    }
}

fn settings(config: &PlatformConfig) -> Settings {
    let timing = &config.timing;
    let asked = config.mounts.iter().map(|path| Mount {
        path: path.clone(),
        read_only: false,
    });
    // In a pod is only what is mounted there.
    let python = config.kubernetes.as_ref().map(|_| Mount {
        path: config.data_dir.python(),
        read_only: true,
    });
    Settings {
        default_group: config.group.clone(),
        mounts: asked.chain(python).collect(),
        workspaces: config.data_dir.workspaces(),
        python: config.data_dir.python(),
        graces: timing.graces.clone(),
        start_limit: timing.start_limit,
        reattach: timing.reattach,
        silence: timing.silence,
        period: timing.period,
        audit_keep: timing.audit_keep,
        retention: timing.retention,
    }
}
