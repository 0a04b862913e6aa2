//! Writes the files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Parser;
use deploy::{Options, tree};

fn main() -> Result<()> {
    let mut options = Options::parse();
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf();
    let folder = options.to.take().unwrap_or_else(here);
    let files = tree(&options.settings())?;
    for file in &files {
        let path = folder.join(&file.path);
        write(&path, &file.text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{} files are in {}.", files.len(), folder.display());
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
