//! `import`: takes in what the original kept, for whoever may write the data directory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use domain::clock::{Clock, SystemClock};
use domain::events::Events;
use domain::import::{Note, Plan, Refusal, Report, Source, Tally, Variables, apply, read};
use domain::store::{Store, Tx};

use crate::args::Import;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::database;
use crate::environment::{self, Environment};

/// Prints what has become of each table, or all that is wrong with the files.
pub(super) async fn import(args: Import, environment: &Environment) -> Result<ExitCode> {
    let data_dir = DataDir::of_platform(args.data.data_dir, environment)?;
    let plan = match plan(&args.files, args.set)? {
        Ok(plan) => plan,
        Err(problems) => return Ok(refuse(&problems)),
    };
    let config = Config::load(None, &data_dir)?;
    let location = database::choose(environment, &config, &data_dir)?;
    database::check(&data_dir, &location)?;
    // A server may be running on it: its schema is not touched.
    let store = Store::open_existing(&location).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tx = store.begin(clock.now(), &Events::default()).await?;
    let taken = take_in(tx, plan, args.dry_run).await;
    store.close().await;
    match taken {
        Ok(report) => {
            print!("{}", table(&report));
            let end = if args.dry_run {
                "Nothing was written, as was asked."
            } else {
                "Done. A server that runs sees it within seconds."
            };
            println!("\n{end}");
            Ok(ExitCode::SUCCESS)
        }
        Err(Refusal::Problems(problems)) => Ok(refuse(&problems)),
        Err(Refusal::Failed(error)) => Err(error.into()),
    }
}

/// What the files ask for, or all that is wrong with them.
fn plan(files: &[PathBuf], set: Vec<(String, String)>) -> Result<Result<Plan, Vec<Note>>> {
    let sources = files.iter().map(|path| source(path));
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let variables = Variables {
        set: &set.into_iter().collect(),
        known: &environment::variable,
    };
    Ok(read(&sources, &variables))
}

/// Keeps it only as a whole, and only if it is meant.
async fn take_in(mut tx: Tx, plan: Plan, dry_run: bool) -> Result<Report, Refusal> {
    let report = apply(&mut tx, plan).await?;
    if !dry_run {
        tx.commit().await?;
    }
    Ok(report)
}

fn source(path: &Path) -> Result<Source> {
    let text = std::fs::read_to_string(path);
    Ok(Source {
        name: path.display().to_string(),
        text: text.with_context(|| format!("{} cannot be read", path.display()))?,
    })
}

fn refuse(problems: &[Note]) -> ExitCode {
    for problem in problems {
        eprintln!("{problem}");
    }
    let things = if problems.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    eprintln!(
        "hai-platform: nothing was written: {} {things}",
        problems.len()
    );
    ExitCode::FAILURE
}

/// A line for each table, and one for each remark.
fn table(report: &Report) -> String {
    let line = |cells: [&str; 4]| {
        let [table, inserted, there, inactive] = cells;
        format!("{table:<18}{inserted:>8}{there:>15}{inactive:>17}\n")
    };
    let mut text = line(["TABLE", "INSERTED", "ALREADY THERE", "STORED INACTIVE"]);
    for Tally {
        table,
        inserted,
        there,
        inactive,
    } in &report.tables
    {
        let numbers = [inserted, there, inactive].map(u32::to_string);
        let [inserted, there, inactive] = numbers.each_ref().map(String::as_str);
        text.push_str(&line([table, inserted, there, inactive]));
    }
    if !report.remarks.is_empty() {
        text.push('\n');
    }
    for remark in &report.remarks {
        text.push_str(&format!("{remark}\n"));
    }
    text
}
