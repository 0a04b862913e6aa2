//! What every command needs.

use crate::{
    client::Client,
    config::{Environment, Login},
    error::Result,
    output::Screen,
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
        Client::new(Login::load(&self.environment)?)
    }
}
