//! A certificate is shown, replaced, and kept when what follows is no good.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::{Current, Door, Files};

/// Writes a new certificate that signs itself, and answers it.
fn write(files: &Files) -> String {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["hai.example".to_owned()]).unwrap();
    fs::write(&files.certificate, cert.pem()).unwrap();
    fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    fs::read_to_string(&files.certificate).unwrap()
}

fn files(dir: &Path) -> Files {
    Files {
        certificate: dir.join("certificate.pem"),
        key: dir.join("key.pem"),
    }
}

/// Serves one connection, and answers what it says when the client trusts only this certificate.
async fn said(current: &Current, trusted: &str) -> std::io::Result<String> {
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let address = tcp.local_addr()?;
    let door = Door::new(Some(current.config().unwrap()));
    let serve = async {
        let mut opening = JoinSet::new();
        let mut stream = loop {
            tokio::select! {
                accepted = tcp.accept() => {
                    opening.spawn(door.clone().open(accepted?.0));
                }
                Some(Ok(Some(stream))) = opening.join_next() => break stream,
            }
        };
        stream.write_all(b"hello").await?;
        stream.shutdown().await?;
        // The client has the last word.
        std::future::pending::<std::io::Result<()>>().await
    };
    let trust = transport::trust_only(trusted).unwrap();
    let ask = async {
        // One that says nothing is in nobody's way.
        let _silent = TcpStream::connect(address).await?;
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from("elsewhere.example").unwrap();
        let mut stream = TlsConnector::from(Arc::clone(&trust))
            .connect(name, socket)
            .await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    };
    tokio::select! {
        said = ask => said,
        served = serve => served.and_then(|()| Err(std::io::ErrorKind::UnexpectedEof.into())),
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    let first = write(&files);
    let mut current = Current::of(files.clone()).unwrap();
    assert_eq!(current.own().as_deref(), Some(&*first));
    assert_eq!(said(&current, &first).await.unwrap(), "hello");
    assert!(!current.look().unwrap(), "nothing is new");
    // Of another certificate only one of the two files is there yet.
    let key = fs::read(&files.key).unwrap();
    let second = write(&files);
    let second_key = fs::read(&files.key).unwrap();
    fs::write(&files.key, &key).unwrap();
    let error = current.look().unwrap_err().to_string();
    assert!(error.contains("is not the key of"), "{error}");
    assert!(!current.look().unwrap(), "it is said once");
    assert_eq!(said(&current, &first).await.unwrap(), "hello");
    fs::write(&files.key, second_key).unwrap();
    assert!(current.look().unwrap());
    assert_eq!(said(&current, &second).await.unwrap(), "hello");
    said(&current, &first).await.unwrap_err();
    // The files go, and come back as they were.
    fs::remove_file(&files.certificate).unwrap();
    current.look().unwrap_err();
    assert!(!current.look().unwrap());
    assert_eq!(said(&current, &second).await.unwrap(), "hello");
    fs::write(&files.certificate, &second).unwrap();
    assert!(current.look().unwrap());
}

#[test]
fn files_that_cannot_be_used_are_named_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    let error = |files: &Files| format!("{:#}", Current::of(files.clone()).err().unwrap());
    assert!(error(&files).contains("certificate.pem cannot be read"));
    write(&files);
    let certificate = fs::read(&files.certificate).unwrap();
    fs::write(&files.certificate, "").unwrap();
    assert!(error(&files).contains("holds no certificate in PEM"));
    fs::write(&files.certificate, certificate).unwrap();
    fs::write(&files.key, "s3cret").unwrap();
    let error = error(&files);
    assert!(
        error.contains("key.pem holds no private key in PEM"),
        "{error}"
    );
    assert!(!error.contains("s3cret"), "{error}");
}
