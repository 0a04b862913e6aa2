//! The files with the certificate and its key.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::Deserialize;

/// Where the certificate and its key are, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The certificate of the server, and behind it those of who signed it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What the files say.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Texts {
    /// Of the certificates.
    pub(super) certificate: Vec<u8>,
    /// Of the key.
    key: Vec<u8>,
}

impl Files {
    /// # Errors
    /// If one cannot be read.
    pub(super) fn read(&self) -> Result<Texts> {
        let read = |path: &PathBuf| {
            fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        Ok(Texts {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }

    /// What can be shown to clients.
    ///
    /// # Errors
    /// If a file holds something else, or the key is not that of the certificate.
    pub(super) fn parse(&self, texts: &Texts) -> Result<CertifiedKey> {
        let path = self.certificate.display();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&texts.certificate)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{path} holds something else than certificates in PEM"))?;
        ensure!(!chain.is_empty(), "{path} holds no certificate in PEM");
        // The cause is left out: it might quote the key.
        let Ok(key) = PrivateKeyDer::from_pem_slice(&texts.key) else {
            anyhow::bail!("{} holds no private key in PEM", self.key.display());
        };
        let provider = aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain, key, &provider)
            .with_context(|| format!("{} is not the key of {path}", self.key.display()))
    }
}

impl Texts {
    /// The first certificate, in PEM: that of the server.
    pub(super) fn own(&self) -> String {
        const END: &str = "-----END CERTIFICATE-----";
        let text = String::from_utf8_lossy(&self.certificate);
        match text.split_once(END) {
            Some((first, _)) => format!("{first}{END}\n"),
            None => String::new(),
        }
    }
}
