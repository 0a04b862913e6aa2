//! Files that are either the old or the new one, also after a crash.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use protocol::ExitRecord;

/// What a kubelet reads of a container's last words.
const LAST_WORD_BYTES: usize = 4096;

/// Replaces a file so that a reader, or the machine after a power failure, finds the old or the new content whole.
/// Only the owner may read it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or_else(no_file)?;
    let (temporary, file) = write_beside(path, content)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(directory)?.sync_all()
}

/// The same for what means nothing after a power failure: nobody waits for the disk.
pub(crate) fn replace_for_now(path: &Path, content: &[u8]) -> io::Result<()> {
    let (temporary, _file) = write_beside(path, content)?;
    fs::rename(temporary, path)
}

/// Leaves the record in a file that others have made for it, and that holds no more than [`LAST_WORD_BYTES`].
pub(crate) fn say_last(path: &Path, mut record: ExitRecord) -> io::Result<()> {
    let mut text = serde_json::to_vec(&record)?;
    if text.len() > LAST_WORD_BYTES {
        record.exit.message = None;
        text = serde_json::to_vec(&record)?;
    }
    fs::write(path, text)
}

/// Writes a file that is to take the place of another.
fn write_beside(path: &Path, content: &[u8]) -> io::Result<(PathBuf, File)> {
    let directory = path.parent().ok_or_else(no_file)?;
    let name = path.file_name().ok_or_else(no_file)?;
    let mut temporary = name.to_owned();
    temporary.push(".new");
    let temporary = directory.join(temporary);

    // A left-over of an earlier attempt may have other permissions.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) | Ok(()) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(content)?;
    Ok((temporary, file))
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_private_and_nothing_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, "old").unwrap();
        fs::write(directory.path().join("token.new"), "left over").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_last_word_is_cut_to_what_is_heard() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("last");
        let mut record: ExitRecord = serde_json::from_str(
            r#"{"protocol_version":1,"log_end":5,
                "exit":{"cause":"STOPPED","code":null,"signal":15,"message":"short"}}"#,
        )
        .unwrap();
        let heard = |record: &ExitRecord| -> ExitRecord {
            say_last(&path, record.clone()).unwrap();
            assert!(fs::metadata(&path).unwrap().len() <= LAST_WORD_BYTES as u64);
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()
        };
        assert_eq!(heard(&record), record);
        record.exit.message = Some("long".repeat(2000));
        let cut = heard(&record);
        assert_eq!((cut.exit.message, cut.exit.signal), (None, Some(15)));
    }

    #[test]
    fn a_directory_that_is_missing_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let error = replace(&directory.path().join("no/exit.json"), b"{}").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
