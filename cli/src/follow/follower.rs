//! The loop that prints what arrives, and connects again when nothing does any more.

use cynic::SubscriptionBuilder;
use futures_util::StreamExt;
use transport::Connection;

use super::{
    live::{Loss, closed, loss, operation, read},
    patience::Patience,
    told::{exit_code, farewell, waiting},
};
use crate::{
    client::Client,
    commands::Context,
    error::{Error, Result},
    operations::{
        FollowLog, FollowTask, LogPageOf, Task, TaskId, TaskLogEvent, TaskState, TaskSummary,
    },
    output::LogPrinter,
    select,
};

/// What to follow, and from where.
#[derive(Debug)]
pub(crate) struct Follow<'a> {
    /// The task.
    pub(crate) id: &'a str,
    pub(crate) rank: i32,
    /// The place to begin behind; `None` is the beginning of the log.
    pub(crate) after: Option<String>,
    /// Whether lines have a stamp.
    pub(crate) stamps: bool,
}

impl<'a> Follow<'a> {
    /// The whole log of rank 0.
    pub(crate) fn all(id: &'a str) -> Self {
        Self {
            id,
            rank: 0,
            after: None,
            stamps: true,
        }
    }
}

/// Prints the log of a rank as it grows. Gives the exit code of the task, or 0 when the user leaves with Ctrl-C.
pub(crate) async fn follow(context: &mut Context, client: &Client, what: Follow<'_>) -> Result<u8> {
    let id = what.id;
    // From here on the log and the notes about it have the terminal.
    context.screen.progress().stop();
    let printer = LogPrinter::new(context.screen.look().width, what.stamps);
    let mut follower = Follower {
        context,
        client,
        id: id.to_owned(),
        rank: what.rank,
        printer,
        cursor: what.after,
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
    context.screen.end_standing_note();
    context.screen.note(&line);
    Ok(0)
}

struct Follower<'a> {
    context: &'a mut Context,
    client: &'a Client,
    id: String,
    rank: i32,
    printer: LogPrinter,
    /// Behind the last item that was printed, or where to begin.
    cursor: Option<String>,
    /// Why the task waits, as it was told last.
    shown_wait: Option<String>,
    /// Whether there was a connection: only then another one is worth waiting for.
    has_connected: bool,
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
        self.context.print_items(&mut self.printer, &event.items)?;
        self.cursor = Some(event.cursor);
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
                self.context.screen.stand(wait);
            }
            None => {
                self.context.screen.end_standing_note();
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
