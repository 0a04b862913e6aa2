//! Acts out what [`crate::supervise`] decides for one rank.

use std::{io, sync::Arc, time::Duration};

use nix::sys::signal::Signal;
use protocol::{EXIT_FILE, ExitRecord, Launch, PROTOCOL_VERSION, ProcessId, RankExit};
use tokio::{
    signal::unix::{Signal as Listener, SignalKind, signal},
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
    task::spawn_blocking,
    time::{Instant, sleep_until},
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::{
    child::{self, StartError},
    control::{Answer, Call, Control, Request},
    fence::{Fence, Sight},
    log::{Clock, Log, Place, Progress},
    process, record,
    server::{Errand, Link, Said, Status, Wish},
    supervise::{Action, CommandEnd, Event, Policy, State, step},
};

/// Words of the server that may wait; each is dealt with at once.
const SAID_WAITING: usize = 16;

/// Calls of the command that may wait; each is dealt with at once.
const CALLS_WAITING: usize = 16;

/// Wishes of the command that may wait for the server.
const ERRANDS_WAITING: usize = 16;

/// The rank and all that belongs to it.
pub(crate) struct Rank {
    launch: Arc<Launch>,
    me: ProcessId,
    clock: Clock,
    policy: Policy,
    /// Zero of the times in `state`.
    zero: Instant,
    state: State,
    command: Command,
    log: Option<Log>,
    printed: u64,
    control: Option<Control>,
    calls: mpsc::Sender<Call>,
    errands: mpsc::Sender<Errand>,
    status: watch::Sender<Status>,
}

/// The user's command as a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    NotStarted,
    /// Running or not reaped yet, so its number and that of its group are its own.
    Leads(i32),
    Ended,
}

/// Signals to the agent itself. To listen to SIGHUP is to survive it; unlike ignoring it, the command does not inherit
/// that.
struct Signals {
    child: Listener,
    terminate: Listener,
    interrupt: Listener,
    _hangup: Listener,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Supervises the rank from the gate to the end.
pub(crate) async fn supervise(launch: Launch, me: ProcessId, clock: Clock) -> io::Result<()> {
    let mut signals = Signals::listen()?;
    let launch = Arc::new(launch);
    let (status, reported) = watch::channel(Status::default());
    let (said, mut inbox) = mpsc::channel(SAID_WAITING);
    let (calls, mut called) = mpsc::channel(CALLS_WAITING);
    let (errands, carrier) = mpsc::channel(ERRANDS_WAITING);
    let link = Link {
        launch: Arc::clone(&launch),
        me: me.clone(),
        status: reported,
        said,
        errands: carrier,
        errand: None,
        clock,
        renewed: None,
    };
    let (mut link, mut running) = (Some(link), None);
    let mut rank = Rank {
        policy: Policy {
            silence: launch.silence_secs.map(Duration::from_secs),
            is_master: launch.rank == 0,
        },
        launch,
        me,
        clock,
        zero: Instant::now(),
        state: State::Waiting,
        command: Command::NotStarted,
        log: None,
        printed: 0,
        control: None,
        calls,
        errands,
        status,
    };
    let mut fence = Fence::watch(rank.launch.fence.clone());
    while rank.state != State::Left {
        let deadline = rank
            .state
            .deadline(&rank.policy)
            .map(|deadline| rank.zero + deadline);
        tokio::select! {
            Some(said) = inbox.recv() => match said {
                Said::Order(order) => rank.handle(Event::Order(order)).await,
                Said::Acknowledged => rank.handle(Event::Acknowledged).await,
            },
            Some(call) = called.recv() => rank.answer(call).await,
            progress = advanced(&mut rank.log) => rank.note(progress).await,
            sight = fence.changed() => {
                rank.look_at(sight).await;
                // Nobody hears of a rank before it is known whether it can be fenced off.
                if let Some(link) = link.take() {
                    let link = TaskTracker::new().spawn(link.run());
                    running = Some(AbortOnDropHandle::new(link));
                }
            }
            _ = signals.terminate.recv() => rank.handle(Event::Terminated).await,
            _ = signals.interrupt.recv() => rank.handle(Event::Terminated).await,
            _ = signals.child.recv() => {
                if let Some(end) = rank.reap() {
                    rank.handle(Event::CommandEnded(end)).await;
                }
                rank.look().await;
            }
            () = at(deadline) => {
                rank.handle(Event::Tick).await;
                rank.look().await;
            }
        }
    }
    drop(running);
    Ok(())
}

impl Rank {
    /// Ends when the fence says so.
    async fn look_at(&mut self, fence: Sight) {
        match fence {
            Sight::Nothing | Sight::Down => {}
            Sight::Raised => self.handle(Event::Fenced).await,
            Sight::Missing => self.handle(Event::FenceMissing).await,
        }
    }

    /// Makes the transition and acts, and again for what comes of acting.
    async fn handle(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let state = std::mem::replace(&mut self.state, State::Left);
            let (state, action) = step(state, event, self.zero.elapsed(), &self.policy);
            self.state = state;
            self.show();
            if let Some(action) = action {
                tracing::info!(?action, "acting");
                next = self.act(action).await;
            }
        }
    }

    /// Shows command and server how the suspension is going.
    fn show(&mut self) {
        let suspend = self.state.suspend();
        if let Some(control) = &mut self.control {
            control.show(suspend.is_some());
        }
        self.status.send_if_modified(|status| {
            let before = std::mem::replace(&mut status.suspend, suspend);
            before != suspend
        });
    }

    /// Answers a call of the command: at once, unless the answer is the server's.
    async fn answer(&mut self, call: Call) {
        let Call { request, reply } = call;
        tracing::debug!(?request, "the command calls");
        let event = match request {
            Request::SuspendReceived => Event::SuspendReceived,
            Request::Saving => Event::Saving,
            Request::GoSuspend => Event::Ready,
            Request::SetWatchdogTime { seconds } => {
                // Where nobody watches, nobody need be told to wait longer.
                if let Some(limit) = &mut self.policy.silence {
                    *limit = Duration::from_secs(seconds.get().into());
                }
                return tell(reply, Ok(()));
            }
            Request::SetWholeLifeState { state } => {
                return self.entrust(Wish::LifeState { state }, reply);
            }
            Request::SetPriority {
                priority,
                custom_rank,
            } => {
                let wish = Wish::Priority {
                    priority,
                    custom_rank,
                };
                return self.entrust(wish, reply);
            }
            Request::ReportFailure {
                hardware_ok,
                message,
            } => {
                let wish = Wish::Failure {
                    hardware_ok,
                    message,
                };
                return self.entrust(wish, reply);
            }
        };
        tell(reply, Ok(()));
        self.handle(event).await;
    }

    /// Has the link carry a wish to the server, which answers it.
    fn entrust(&self, wish: Wish, reply: oneshot::Sender<Answer>) {
        match self.errands.try_send(Errand { wish, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(errand) | TrySendError::Closed(errand)) => {
                let message = "Too many requests wait for the server.".to_owned();
                tell(errand.reply, Err(message));
            }
        }
    }

    async fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Start => self.start(),
            Action::Terminate => {
                self.terminate();
                None
            }
            Action::Kill => self.kill(),
            Action::Record(exit) => Some(self.record(exit).await),
            Action::Leave => None,
        }
    }

    /// The log comes first, so that no command runs whose output nobody takes.
    fn start(&mut self) -> Option<Event> {
        let place = Place {
            directory: self.launch.log_dir.clone(),
            limits: self.launch.log,
        };
        let started = io::pipe()
            .and_then(|(output, input)| Ok((Log::follow(output, place, self.clock)?, input)))
            .map_err(StartError::NoPipe)
            .and_then(|(log, input)| {
                self.log = Some(log);
                let control = Control::open(&self.launch, self.calls.clone());
                self.control = Some(control.map_err(StartError::NoControl)?);
                child::start(&self.launch, input)
            });
        match started {
            Ok(leader) => {
                tracing::info!(process.pid = leader, "the command runs");
                self.command = Command::Leads(leader);
                self.status.send_modify(|status| status.started = true);
                None
            }
            Err(error) => Some(Event::StartFailed(error.to_string())),
        }
    }

    /// SIGTERM once to everybody: to the group as one, and to those who left it.
    fn terminate(&self) {
        let mut outside = process::members(self.me.pid, &self.launch.rank_dir);
        if let Command::Leads(leader) = self.command {
            process::signal_group(leader, Signal::SIGTERM);
            outside.retain(|member| member.group != leader);
        }
        process::signal(&outside, Signal::SIGTERM);
    }

    /// SIGKILL to everybody. If the command was the last of them, as most are, nobody has to be looked for again.
    fn kill(&self) -> Option<Event> {
        if let Command::Leads(leader) = self.command {
            process::signal_group(leader, Signal::SIGKILL);
        }
        let members = process::members(self.me.pid, &self.launch.rank_dir);
        process::signal(&members, Signal::SIGKILL);
        (members.is_empty() && self.command == Command::Ended).then_some(Event::AllGone)
    }

    /// Reaps whatever ended; how the command did, if it was among them.
    fn reap(&mut self) -> Option<CommandEnd> {
        let Command::Leads(leader) = self.command else {
            process::reap();
            return None;
        };
        let (_pid, end) = process::reap()
            .into_iter()
            .find(|(pid, _end)| *pid == leader)?;
        tracing::info!(?end, "the command ended");
        self.command = Command::Ended;
        Some(end)
    }

    /// Looks who is left, while the end of the rank depends on it.
    async fn look(&mut self) {
        let matters = match self.state {
            State::Stopping { .. } | State::Killing { .. } => self.command == Command::Ended,
            State::Waiting
            | State::Running { .. }
            | State::Suspending(_)
            | State::Recording { .. }
            | State::Reporting { .. }
            | State::Left => false,
        };
        if matters {
            let left = process::members(self.me.pid, &self.launch.rank_dir);
            let event = if left.is_empty() {
                Event::AllGone
            } else {
                Event::SomeLeft
            };
            self.handle(event).await;
        }
    }

    async fn note(&mut self, progress: Progress) {
        self.status.send_if_modified(|status| {
            let before = std::mem::replace(&mut status.log_end, progress.end);
            before != progress.end
        });
        if std::mem::replace(&mut self.printed, progress.printed) != progress.printed {
            self.handle(Event::Output).await;
        }
    }

    /// Finishes the log, writes the record, and only then lets the exit be reported.
    async fn record(&mut self, exit: RankExit) -> Event {
        if let Some(log) = self.log.take() {
            let log_end = log.finish().await;
            self.status.send_modify(|status| status.log_end = log_end);
        }
        let log_end = self.status.borrow().log_end;
        let record = ExitRecord {
            protocol_version: PROTOCOL_VERSION,
            exit: exit.clone(),
            log_end,
        };
        let path = self.launch.rank_dir.join(EXIT_FILE);
        let last_word = self.launch.last_word.clone();
        let written = spawn_blocking(move || {
            let text = serde_json::to_vec(&record).map_err(io::Error::from)?;
            if let Some(path) = last_word
                && let Err(error) = record::say_last(&path, record)
            {
                tracing::warn!(%error, path = %path.display(), "the last word is not heard");
            }
            record::replace(&path, &text)
        });
        let written = written
            .await
            .unwrap_or_else(|panic| Err(io::Error::other(panic)));
        self.status.send_modify(|status| status.exit = Some(exit));
        match written {
            Ok(()) => Event::Recorded,
            Err(error) => {
                tracing::error!(%error, "the exit record cannot be written");
                Event::RecordFailed
            }
        }
    }
}

/// Answers a caller, who may have gone.
fn tell(reply: oneshot::Sender<Answer>, answer: Answer) {
    let _ = reply.send(answer);
}

async fn advanced(log: &mut Option<Log>) -> Progress {
    match log {
        Some(log) => log.advanced().await,
        None => std::future::pending().await,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
