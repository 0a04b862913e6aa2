//! Follows the log of a rank to the end of its task, over as many connections as it takes.

use std::time::Duration;

use cynic::{StreamingOperation, SubscriptionBuilder};
use futures_util::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use transport::Connection;

use crate::{
    client::Client,
    commands::Context,
    error::{Code, Error, Result},
    operations::{
        FollowLog, FollowTask, LogItem, LogPageOf, Outcome, Task, TaskId, TaskLogEvent, TaskState,
        TaskSummary,
    },
    output::{LogPrinter, json_line},
    select,
};

/// The first pause before a new connection; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After so much waiting in a row nobody believes in the platform any more.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Prints the log of a rank as it grows. Gives the exit code of the task, or 0 when the user leaves with Ctrl-C.
pub(crate) async fn follow(
    context: &mut Context,
    client: &Client,
    id: &str,
    rank: i32,
) -> Result<u8> {
    let printer = LogPrinter::new(context.screen.look().width);
    let mut follower = Follower {
        context,
        client,
        id: id.to_owned(),
        rank,
        printer,
        cursor: None,
        shown_wait: None,
        has_connected: false,
    };
    tokio::select! {
        end = follower.until_end() => return end,
        signal = tokio::signal::ctrl_c() => signal.map_err(Error::Startup)?,
    }
    let program = &context.program;
    let line = format!(
        "\ntask {id} goes on; follow it again with `{program} logs -f {id}`, \
         end it with `{program} stop {id}`"
    );
    context.screen.note(&line);
    Ok(0)
}

struct Follower<'a> {
    context: &'a mut Context,
    client: &'a Client,
    id: String,
    rank: i32,
    printer: LogPrinter,
    /// Behind the last item that was printed.
    cursor: Option<String>,
    /// Why the task waits, as it was told last.
    shown_wait: Option<String>,
    /// Whether there was a connection: only then another one is worth waiting for.
    has_connected: bool,
}

/// Why a connection did not lead to the end.
enum Loss {
    /// A new connection may help.
    Passing(Error),
    /// It will not.
    Final(Error),
}

impl Loss {
    fn of(error: Error) -> Self {
        if error.is_passing() {
            Self::Passing(error)
        } else {
            Self::Final(error)
        }
    }
}

impl Follower<'_> {
    async fn until_end(&mut self) -> Result<u8> {
        let mut patience = Patience::default();
        let task = loop {
            match self.one_connection(&mut patience).await {
                Ok(task) => break task,
                Err(Loss::Final(error)) => return Err(error),
                Err(Loss::Passing(error)) => {
                    let is_first = patience.is_fresh();
                    let pause = patience.pause().filter(|_| self.has_connected);
                    let Some(pause) = pause else {
                        return Err(error);
                    };
                    if is_first {
                        self.note(&format!(
                            "connection lost ({}), trying again…",
                            error.told()
                        ))?;
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        };
        let rest = self.printer.end();
        self.context.screen.print(&rest)?;
        self.note(&farewell(&task))?;
        Ok(exit_code(task.outcome.as_ref(), task.exit_code))
    }

    /// Prints what one connection brings. Gives the finished task once its whole log is printed.
    async fn one_connection(
        &mut self,
        patience: &mut Patience,
    ) -> std::result::Result<TaskSummary, Loss> {
        let login = self.client.login();
        let address = login.address.to_string();
        let lost = |error| loss(&address, error);
        let connection = Connection::open(&address, Some(login.token.secret()))
            .await
            .map_err(lost)?;
        self.has_connected = true;
        let mut log = connection.subscribe(operation(&FollowLog::build(LogPageOf {
            id: cynic::Id::new(&self.id),
            rank: self.rank,
            after: self.cursor.clone(),
        }))?);
        let mut changes = connection.subscribe(operation(&FollowTask::build(TaskId {
            id: cynic::Id::new(&self.id),
        }))?);
        // Only now, so that no change falls between the answer and the subscription.
        let mut task = self.ask().await?.summary;
        self.tell_wait(&task).map_err(Loss::Final)?;

        let (mut log_ended, mut changes_ended) = (false, false);
        while !(log_ended && task.state == TaskState::Finished) {
            tokio::select! {
                // What has arrived of the log is printed before the other stream says that the connection is lost.
                biased;
                event = log.next(), if !log_ended => match event {
                    Some(event) => {
                        let event: FollowLog = read(&address, event.map_err(lost)?)?;
                        if patience.restore() {
                            self.note("connected again").map_err(Loss::Final)?;
                        }
                        log_ended = event.task_log_appended.ended;
                        self.show(event.task_log_appended).map_err(Loss::Final)?;
                        if log_ended {
                            task = self.ask().await?.summary;
                            self.tell_wait(&task).map_err(Loss::Final)?;
                        }
                    }
                    None => return Err(loss(&address, closed())),
                },
                change = changes.next(), if !changes_ended => match change {
                    Some(change) => {
                        let change: FollowTask = read(&address, change.map_err(lost)?)?;
                        task = change.task_changed;
                        self.tell_wait(&task).map_err(Loss::Final)?;
                    }
                    None => changes_ended = true,
                },
                else => return Err(loss(&address, closed())),
            }
        }
        Ok(task)
    }

    async fn ask(&self) -> std::result::Result<Task, Loss> {
        select::by_id(self.client, &self.id).await.map_err(Loss::of)
    }

    /// Invariant: nothing here waits, so what is printed and the cursor always fit together.
    fn show(&mut self, event: TaskLogEvent) -> Result<()> {
        for item in &event.items {
            self.show_item(item)?;
        }
        self.cursor = Some(event.cursor);
        Ok(())
    }

    fn show_item(&mut self, item: &LogItem) -> Result<()> {
        if self.context.json {
            self.context.screen.print(&json_line(item))?;
        } else {
            let printed = self.printer.print(item);
            self.context.screen.print(&printed.text)?;
            if let Some(note) = printed.note {
                self.note(&note)?;
            }
        }
        self.cursor = Some(item.cursor.clone());
        Ok(())
    }

    fn tell_wait(&mut self, task: &TaskSummary) -> Result<()> {
        let wait = waiting(task);
        if wait == self.shown_wait {
            return Ok(());
        }
        match &wait {
            Some(wait) => {
                self.leave_line()?;
                self.context.screen.passing_note(wait);
            }
            None => {
                self.context.screen.clear_passing_note();
                if task.state == TaskState::Running {
                    self.note(&format!("task {} runs", self.id))?;
                }
            }
        }
        self.shown_wait = wait;
        Ok(())
    }

    fn note(&mut self, line: &str) -> Result<()> {
        self.leave_line()?;
        self.context.screen.note(line);
        Ok(())
    }

    /// On a terminal, notes must not stand behind a line of the log that is still open.
    fn leave_line(&mut self) -> Result<()> {
        let text = self.printer.interrupt();
        self.context.screen.print(&text)
    }
}

/// How long to go on trying.
#[derive(Debug, Default)]
struct Patience {
    spent: Duration,
    last: Option<Duration>,
}

impl Patience {
    /// Whether nothing has gone wrong since the last success.
    fn is_fresh(&self) -> bool {
        self.last.is_none()
    }

    /// How long to wait before the next attempt; `None` if there should be none.
    fn pause(&mut self) -> Option<Duration> {
        if self.spent >= PATIENCE {
            return None;
        }
        let pause = self
            .last
            .map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        self.spent += pause;
        self.last = Some(pause);
        Some(pause)
    }

    /// All is well again. Says whether it was not.
    fn restore(&mut self) -> bool {
        let was_fresh = self.is_fresh();
        *self = Self::default();
        !was_fresh
    }
}

/// Why a task waits, in one line; `None` if it does not.
fn waiting(task: &TaskSummary) -> Option<String> {
    let wait = task.wait.as_ref()?;
    match &task.state {
        TaskState::WaitingInit | TaskState::Suspended | TaskState::Other(_) => {
            let position = wait
                .position
                .map(|n| format!(" (position {n} in the queue)"));
            Some(format!(
                "waiting: {}{}",
                wait.message,
                position.unwrap_or_default()
            ))
        }
        TaskState::Running | TaskState::Finished => None,
    }
}

/// How a task ended, in one line.
fn farewell(task: &TaskSummary) -> String {
    let id = task.id.inner();
    let how = match &task.outcome {
        Some(outcome) => format!("ended: {outcome}"),
        None => "ended".to_owned(),
    };
    match task.exit_code {
        Some(code) if code != 0 => format!("task {id} {how}, exit code {code}"),
        Some(_) | None => format!("task {id} {how}"),
    }
}

/// The exit code of a finished task for whoever followed it: its own, but never 0 unless it succeeded.
fn exit_code(outcome: Option<&Outcome>, code: Option<i32>) -> u8 {
    match outcome {
        Some(Outcome::Succeeded) => 0,
        Some(
            Outcome::Failed
            | Outcome::Stopped
            | Outcome::Suspended
            | Outcome::Timeout
            | Outcome::Lost
            | Outcome::StartFailed
            | Outcome::Other(_),
        )
        | None => match u8::try_from(code.unwrap_or(1) & 0xff) {
            Ok(0) | Err(_) => 1,
            Ok(code) => code,
        },
    }
}

fn operation<F, V: Serialize>(
    operation: &StreamingOperation<F, V>,
) -> std::result::Result<transport::Operation, Loss> {
    let variables = match serde_json::to_value(operation.variables()) {
        Ok(Value::Object(variables)) => variables,
        Ok(_) => serde_json::Map::new(),
        Err(error) => return Err(Loss::Final(Error::Startup(std::io::Error::other(error)))),
    };
    Ok(transport::Operation {
        query: operation.query().to_owned(),
        variables,
        operation_name: operation.operation_name().map(str::to_owned),
    })
}

fn read<T: DeserializeOwned>(address: &str, data: Value) -> std::result::Result<T, Loss> {
    serde_json::from_value(data).map_err(|source| {
        Loss::Final(Error::Strange {
            address: address.to_owned(),
            source: source.into(),
        })
    })
}

/// The server ended a stream that has no end of its own: it is going down.
fn closed() -> transport::Error {
    transport::Error::Closed {
        code: None,
        reason: "the stream ended".to_owned(),
    }
}

fn loss(address: &str, error: transport::Error) -> Loss {
    let address = address.to_owned();
    Loss::of(match error {
        transport::Error::Unreachable(_)
        | transport::Error::Silent
        | transport::Error::Closed { .. } => Error::Unreachable {
            address,
            source: Box::new(error),
        },
        transport::Error::Address(_) | transport::Error::Protocol(_) => Error::Strange {
            address,
            source: Box::new(error),
        },
        transport::Error::Unauthenticated(message) => Error::Refused {
            code: Code::Unauthenticated,
            message,
        },
        transport::Error::Graphql(_) => Error::Refused {
            code: Code::read(error.code()),
            message: error.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{operations::Wait, output::task_for_tests};

    #[test]
    fn only_success_is_zero() {
        assert_eq!(exit_code(Some(&Outcome::Succeeded), Some(0)), 0);
        assert_eq!(exit_code(Some(&Outcome::Succeeded), Some(7)), 0);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(7)), 7);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(0)), 1);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(256)), 1);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(-1)), 255);
        assert_eq!(exit_code(Some(&Outcome::Stopped), None), 1);
        assert_eq!(exit_code(Some(&Outcome::Timeout), Some(143)), 143);
        assert_eq!(exit_code(None, None), 1);
    }

    #[test]
    fn patience_grows_to_a_limit_and_is_restored_by_success() {
        let mut patience = Patience::default();
        let mut pauses = Vec::new();
        while let Some(pause) = patience.pause() {
            pauses.push(pause);
        }
        assert_eq!(pauses[..3], [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]);
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
        assert!(pauses.iter().sum::<Duration>() >= PATIENCE);
        assert!(patience.restore());
        assert!(!patience.restore());
        assert_eq!(patience.pause(), Some(FIRST_PAUSE));
    }

    #[test]
    fn only_a_waiting_task_says_why_it_waits() {
        let mut task = task_for_tests().summary;
        assert_eq!(waiting(&task), None);
        task.wait = Some(Wait {
            reason: "NODES".to_owned(),
            message: "2 nodes are needed, 1 is free".to_owned(),
            position: Some(2),
            until: None,
        });
        assert_eq!(waiting(&task), None, "it runs");
        task.state = TaskState::Suspended;
        assert_eq!(
            waiting(&task).as_deref(),
            Some("waiting: 2 nodes are needed, 1 is free (position 2 in the queue)")
        );
    }
}
