//! A write of a person: what comes of it and who wanted it are kept in one transaction. What is refused is kept as well.

use async_graphql::Context;
use domain::audit::{Act, Origin, refuse};
use domain::store::Tx;
use domain::{App, Error, Result};

use crate::context::Access;
use crate::error::code;

/// A write in progress, and who wants it.
pub(crate) struct Change {
    app: App,
    tx: Tx,
    act: Act,
}

/// What a field of the schema does for a user. To what is not said yet.
///
/// # Errors
/// [`Error::Forbidden`] for an agent.
pub(crate) fn act(ctx: &Context<'_>) -> Result<Act> {
    let origin = ctx.data_opt::<Origin>().cloned().unwrap_or_default();
    Ok(Act::of(ctx.user()?, ctx.field().name(), &origin))
}

/// Begins what a field of the schema does to an object, for example `task 7`.
///
/// # Errors
/// [`Error::Forbidden`] for an agent, and if the database is away.
pub(crate) async fn begin(ctx: &Context<'_>, object: impl Into<String>) -> Result<Change> {
    let act = act(ctx)?.to(object);
    let app = ctx.app().clone();
    let tx = app.begin().await?;
    Ok(Change { app, tx, act })
}

impl Change {
    /// Where it is written.
    pub(crate) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// What more there is to know of it; never a secret.
    pub(crate) fn tells(&mut self, detail: impl Into<String>) {
        self.act.detail = detail.into();
    }

    /// Makes it so, or undoes it, by what came of it.
    ///
    /// # Errors
    /// What came of it, or if the database refuses.
    pub(crate) async fn end<T>(mut self, result: Result<T>) -> Result<T> {
        match result {
            Ok(done) => {
                self.tx.record(self.act, "OK");
                self.tx.commit().await?;
                Ok(done)
            }
            Err(error) => {
                drop(self.tx);
                if is_kept(&error) {
                    refuse(&self.app, self.act, code(&error)).await?;
                }
                Err(error)
            }
        }
    }
}

/// Whether somebody tried what he may not. Mistakes, and what comes too late, are nobody's business.
fn is_kept(error: &Error) -> bool {
    matches!(error, Error::Forbidden(_) | Error::NotFound { .. })
}
