//! One fault: how it begins and ends, and how soon tasks start again.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::World;
use crate::client::Shared;
use crate::fault::{Fault, Planned};
use crate::fleet::{Member, agents};

/// Longest that a process may take to stop in good order.
const LONGEST_STOP: Duration = Duration::from_secs(11);
/// Longest that a fault may be felt.
const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    /// One fault, from its beginning until tasks start again. Answers how soon that was.
    pub(super) async fn suffer(
        &mut self,
        shared: &Shared,
        planned: Planned,
    ) -> Result<Option<Duration>> {
        let begun = Instant::now();
        let leader = self.leader().await?;
        let server = self.any_that_answers();
        let (postgres, redis) = (self.postgres.address(), self.redis.address());
        let other = self.members[server].address();
        let lasts = planned.lasts;
        match planned.fault {
            Fault::Nothing => {}
            Fault::KillLeader => self.members[leader].kill(),
            Fault::KillStandby => self.standby(leader).kill(),
            Fault::KillServer => self.members[server].kill(),
            Fault::KillAgent => {
                if let Some(agent) = agents(&self.data_dir).choose(&mut self.random) {
                    let _ = kill(*agent, Signal::SIGKILL);
                }
            }
            Fault::KillPostgres => self.postgres.kill(),
            Fault::StallPostgres => self.postgres.stall(true),
            Fault::StallLeader => self.members[leader].signal(Signal::SIGSTOP)?,
            Fault::KillRedis => self.redis.kill(),
            Fault::FlushRedis => flush(redis).await?,
            Fault::CutLeaderFromPostgres => self.members[leader].machine.cut(postgres)?,
            Fault::CutServerFromPostgres => self.members[server].machine.cut(postgres)?,
            Fault::CutServerFromRedis => self.members[server].machine.cut(redis)?,
            Fault::CutAgentsFromServer => self.members[leader].machine.cut(other)?,
            Fault::FillLogs => self.logs.fill()?,
            Fault::FillDatabase => self.database.fill()?,
            Fault::JumpClock => self.members[leader].set_clock("+3600")?,
            Fault::RollingRestart => self.restart_all().await?,
        }
        let probe = if planned.fault.counts_from_its_beginning() {
            Some(self.probe(shared, begun).await?)
        } else {
            None
        };
        sleep(lasts.saturating_sub(begun.elapsed())).await;
        match planned.fault {
            Fault::Nothing
            | Fault::KillLeader
            | Fault::KillStandby
            | Fault::KillServer
            | Fault::KillAgent
            | Fault::KillPostgres
            | Fault::KillRedis
            | Fault::FlushRedis
            | Fault::RollingRestart => {}
            Fault::StallPostgres => self.postgres.stall(false),
            Fault::StallLeader => self.members[leader].signal(Signal::SIGCONT)?,
            Fault::CutLeaderFromPostgres => self.members[leader].machine.mend(postgres)?,
            Fault::CutServerFromPostgres => self.members[server].machine.mend(postgres)?,
            Fault::CutServerFromRedis => self.members[server].machine.mend(redis)?,
            Fault::CutAgentsFromServer => self.members[leader].machine.mend(other)?,
            Fault::FillLogs => self.logs.clear()?,
            Fault::FillDatabase => self.database.clear()?,
            Fault::JumpClock => self.members[leader].set_clock("+0")?,
        }
        for service in [&mut self.postgres, &mut self.redis] {
            if !service.is_running() {
                service.start().await?;
            }
        }
        let healed = Instant::now();
        for member in &mut self.members {
            member.again()?;
        }
        match probe {
            Some(after) => Ok(after),
            None => self.probe(shared, healed).await,
        }
    }

    /// One is up again before the next is stopped.
    async fn restart_all(&mut self) -> Result<()> {
        for member in &mut self.members {
            let took = member.stop().await?;
            if took > LONGEST_STOP {
                bail!(
                    "{} took {took:?} to stop, see {}",
                    member.url(),
                    member.log().display()
                );
            }
            member.again()?;
            member.is_ready(&self.http).await?;
        }
        Ok(())
    }

    /// Submits a task of the administrator at any server until one takes it, and waits until it runs.
    async fn probe(&mut self, shared: &Shared, since: Instant) -> Result<Option<Duration>> {
        const SUBMIT: &str = "mutation($i: TaskInput!, $k: String) {
            submitTask(input: $i, idempotencyKey: $k) { id runCount } }";
        const LOOK: &str = "query($id: ID!) { task(id: $id) { id startedAt state } }";
        self.n_probes += 1;
        let mut input = shared.task.clone();
        let name = format!("probe{}", self.n_probes);
        input["name"] = json!(name);
        let probe = async {
            let mut id: Option<String> = None;
            for url in shared.urls.iter().cycle() {
                let data = match &id {
                    None => shared.ask(url, &self.token, SUBMIT, json!({"i": input, "k": name})),
                    Some(id) => shared.ask(url, &self.token, LOOK, json!({"id": id})),
                };
                // One that does not answer keeps nobody from asking another.
                let data = timeout(Duration::from_millis(500), data)
                    .await
                    .ok()
                    .flatten();
                match (data, &id) {
                    (Some(Ok(data)), None) => {
                        let made = data.pointer("/submitTask/id").and_then(Value::as_str);
                        id = made.map(str::to_owned);
                        continue;
                    }
                    (Some(Ok(data)), Some(_))
                        if data
                            .pointer("/task/startedAt")
                            .is_some_and(Value::is_string) =>
                    {
                        return Ok(());
                    }
                    (Some(Err(code)), _) => bail!("the probe is refused: {code}"),
                    _ => {}
                }
                sleep(Duration::from_millis(10)).await;
            }
            bail!("there is no server")
        };
        match timeout(PATIENCE, probe).await {
            Ok(started) => started.map(|()| Some(since.elapsed())),
            Err(_) => Ok(None),
        }
    }

    /// The number of the member that drives.
    async fn leader(&self) -> Result<usize> {
        let look = async {
            loop {
                for (number, member) in self.members.iter().enumerate() {
                    if !member.answers() && member.leads(&self.http).await {
                        return number;
                    }
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, look).await.context("nobody leads")
    }

    fn standby(&mut self, leader: usize) -> &mut Member {
        let numbers: Vec<usize> = (0..self.members.len())
            .filter(|number| *number != leader && !self.members[*number].answers())
            .collect();
        &mut self.members[numbers[0]]
    }

    fn any_that_answers(&mut self) -> usize {
        let numbers: Vec<usize> = (0..self.members.len())
            .filter(|number| self.members[*number].answers())
            .collect();
        numbers[self.random.random_range(0..numbers.len())]
    }
}

async fn flush(at: SocketAddr) -> Result<()> {
    let mut redis = TcpStream::connect(at).await?;
    redis.write_all(b"FLUSHALL\r\n").await?;
    redis.read_u8().await?;
    Ok(())
}
