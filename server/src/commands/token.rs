//! `token create`: a new token for a user, for whoever may write the data directory.

use std::sync::Arc;

use anyhow::Result;
use domain::clock::{Clock, SystemClock};
use domain::events::Events;
use domain::setup::new_token;
use domain::store::Store;
use rand::rngs::StdRng;

use crate::args::DataDirArgs;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::database;
use crate::environment::Environment;

/// Prints the token, alone, so that it can be piped.
pub(super) async fn create(
    user: String,
    args: DataDirArgs,
    environment: &Environment,
) -> Result<()> {
    let data_dir = DataDir::of_platform(args.data_dir, environment)?;
    let config = Config::load(None, &data_dir)?;
    let location = database::choose(environment, &config, &data_dir)?;
    database::check(&data_dir, &location)?;
    // A server may be running on it: its schema is not touched.
    let store = Store::open_existing(&location).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tx = store.begin(clock.now(), &Events::default()).await?;
    let mut random: StdRng = rand::make_rng();
    let (_, token) = new_token(&tx, &user, &mut random).await?;
    tx.commit().await?;
    store.close().await;
    println!("{}", token.reveal());
    Ok(())
}
