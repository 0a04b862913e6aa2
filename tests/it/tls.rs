//! The API over TLS, with a certificate that nobody else has signed.

use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::CertifiedKey;
use reqwest::{Certificate, Client};
use serde_json::json;
use tests::{Gate, Up, within};
use tokio::task::yield_now;

/// Writes a new certificate with its key into a directory, and answers it.
fn certify(dir: &Path) -> Result<String> {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    std::fs::write(dir.join("key.pem"), signing_key.serialize_pem())?;
    std::fs::write(dir.join("certificate.pem"), cert.pem())?;
    Ok(cert.pem())
}

async fn start() -> Result<(Up, String)> {
    let mut up = Up::prepare().await?;
    let code = up.code().display().to_string();
    let certificate = certify(&up.code())?;
    std::fs::create_dir(up.data_dir())?;
    std::fs::write(
        up.data_dir().join("override.toml"),
        format!("[http.tls]\ncertificate = '{code}/certificate.pem'\nkey = '{code}/key.pem'\n"),
    )?;
    up.again().await?;
    Ok((up, certificate))
}

#[tokio::test]
async fn people_and_agents_come_over_tls_with_a_certificate_that_signs_itself() -> Result<()> {
    let (mut up, certificate) = start().await?;
    assert!(up.url.starts_with("https://127.0.0.1:"), "{}", up.url);
    let root = Certificate::from_pem(certificate.as_bytes())?;
    let http = Client::builder().add_root_certificate(root).build()?;
    let answer = within(http.get(format!("{}/readyz", up.url)).send()).await??;
    assert_eq!(answer.status().as_u16(), 200);
    let headers = answer.headers();
    assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    // Neither without TLS, nor without knowing the certificate.
    let plain = up.url.replacen("https", "http", 1);
    within(http.get(plain).send()).await?.unwrap_err();
    let stranger = Client::builder().build()?;
    within(stranger.get(&up.url).send()).await?.unwrap_err();
    let login = format!(
        "export SSL_CERT_FILE=certificate.pem; hai-cli init {} --url {} && hai-cli list",
        up.token, up.url
    );
    let shown = up.types(&login).await?;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let without = up.types("hai-cli list").await?;
    assert_ne!(without.code, Some(0), "{without:?}");
    let doctor = up.run(&["doctor"]).await?;
    assert!(doctor.stdout.contains(" is ready"), "{doctor:?}");
    let script = up.script("hello.sh", "echo hello\n")?;
    let admin = up.admin().await?;
    let id = admin.submit("hello", &script, 2).await?;
    let done = admin.finished(&id).await?;
    assert_eq!(done["outcome"], "SUCCEEDED", "{done}");
    up.kill().await
}

#[tokio::test]
async fn a_new_certificate_is_taken_in_and_agents_follow() -> Result<()> {
    let (mut up, first) = start().await?;
    let mut gate = Gate::new(&up.code(), "gate")?;
    let script = up.script("long.sh", &format!("{}\nexit 3\n", gate.wait()))?;
    let admin = up.admin().await?;
    let id = admin.submit("long", &script, 1).await?;
    admin.running(&id).await?;
    let second = certify(&up.code())?;
    let pid = up.server_pid().context("it runs")?;
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGHUP)?;
    let told = async {
        let file = up.data_dir().join("server.json");
        loop {
            let text = std::fs::read_to_string(&file)?;
            let file: serde_json::Value = serde_json::from_str(&text)?;
            if file["certificate"] == json!(second) {
                return anyhow::Ok(());
            }
            yield_now().await;
        }
    };
    within(told).await??;
    assert_ne!(first, second);
    // Whoever was connected still is.
    admin.ask("{ me { name } }", json!({})).await?;
    let again = up.admin().await?;
    // An agent that has to connect again knows the new one.
    up.kill().await?;
    drop(again);
    up.again().await?;
    gate.open(1).await?;
    let done = up.admin().await?.finished(&id).await?;
    assert_eq!(done["exitCode"], 3, "{done}");
    up.kill().await
}
