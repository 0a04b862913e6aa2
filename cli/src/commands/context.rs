//! What every command needs.

use crate::{
    client::Client,
    config::{Environment, Login},
    error::Result,
    operations::LogItem,
    output::{LogPrinter, Screen, json_line},
};

/// How the program was started, and where it writes.
pub(crate) struct Context {
    /// What the user typed to start it: `hai-cli` or `hai-platform cli`.
    pub(crate) program: String,
    pub(crate) environment: Environment,
    /// Whether programs read the output.
    pub(crate) json: bool,
    pub(crate) screen: Screen,
}

impl Context {
    /// A client with the saved login.
    pub(crate) fn client(&self) -> Result<Client> {
        let progress = self.screen.progress().clone();
        Client::new(Login::load(&self.environment)?, progress)
    }

    /// Prints the next items of a log, with as few writes as possible.
    pub(crate) fn print_items(
        &mut self,
        printer: &mut LogPrinter,
        items: &[LogItem],
    ) -> Result<()> {
        let mut text = String::new();
        for item in items {
            if self.json {
                text += &json_line(item);
                continue;
            }
            let printed = printer.print(item);
            text += &printed.text;
            if let Some(note) = printed.note {
                self.screen.print(&std::mem::take(&mut text))?;
                self.screen.note(&note);
            }
        }
        self.screen.print(&text)
    }
}
