//! Questions about environments.

use async_graphql::{Context, Object, Result, SimpleObject};
use domain::environment;

use crate::context::Access;
use crate::scalar::Long;

/// A named place that tasks run in.
#[derive(Debug, SimpleObject)]
pub(crate) struct Environment {
    /// The name to write in `resource.image`.
    name: String,
    /// Container image; empty: the machine itself.
    image: String,
    /// The value of your grant: the highest is your default.
    value: Long,
    /// Whether it is what `default` means for you.
    is_default: bool,
    /// Path of its Python; empty: whichever is found.
    python: String,
    /// Version of CUDA in it; empty: none.
    cuda: String,
    /// Environments of the `hf` family in it, at most those that were imported.
    hf_envs: Vec<String>,
}

/// Questions about environments.
#[derive(Debug, Default)]
pub(crate) struct EnvironmentQuery;

#[Object]
impl EnvironmentQuery {
    /// The environments that you may use, the default first: at most one entry for each.
    async fn environments(&self, ctx: &Context<'_>) -> Result<Vec<Environment>> {
        let app = ctx.app();
        let usable = environment::usable(app.reader(), app.now(), ctx.user()?).await?;
        let usable = usable.into_iter().enumerate();
        Ok(usable
            .map(|(place, (row, value))| Environment {
                name: row.name,
                image: row.image,
                value: Long(value),
                is_default: place == 0,
                python: row.python,
                cuda: row.cuda,
                hf_envs: row.hf_envs.0,
            })
            .collect())
    }
}
