//! A cable that can be cut, for who is not root: whoever connects at its near end is connected to its far end.
//!
//! Cut, it carries nothing and tells nobody, as a network that drops everything: what is under way arrives when it is mended.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A cable. Copies are ends of the same one, which goes with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    near: SocketAddr,
    far: SocketAddr,
    is_whole: watch::Sender<bool>,
    _driver: Arc<JoinSet<()>>,
}

impl Link {
    /// A cable to an address.
    ///
    /// # Errors
    /// If no port is free.
    pub(crate) async fn to(far: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no port is free")?;
        let is_whole = watch::Sender::new(true);
        let near = listener.local_addr()?;
        let mut driver = JoinSet::new();
        driver.spawn(drive(listener, far, is_whole.subscribe()));
        Ok(Self {
            near,
            far,
            is_whole,
            _driver: Arc::new(driver),
        })
    }

    /// Where to connect.
    pub(crate) fn near(&self) -> SocketAddr {
        self.near
    }

    /// Where that leads.
    pub(crate) fn far(&self) -> SocketAddr {
        self.far
    }

    /// Cuts it, or mends it.
    pub(crate) fn set_whole(&self, is_whole: bool) {
        self.is_whole.send_replace(is_whole);
    }
}

async fn drive(listener: TcpListener, far: SocketAddr, is_whole: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(join(near, far, is_whole.clone()));
    }
}

/// Ends with the first direction that ends in error, and with the second in any case.
async fn join(near: TcpStream, far: SocketAddr, mut is_whole: watch::Receiver<bool>) {
    if !mended(&mut is_whole).await {
        return;
    }
    let Ok(far) = TcpStream::connect(far).await else {
        return;
    };
    let (near, far) = (near.into_split(), far.into_split());
    let there = carry(near.0, far.1, is_whole.clone());
    let back = carry(far.0, near.1, is_whole);
    let _ = tokio::try_join!(there, back);
}

/// Waits until it is whole, and says whether it ever is.
async fn mended(is_whole: &mut watch::Receiver<bool>) -> bool {
    is_whole.wait_for(|whole| *whole).await.is_ok()
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_whole: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut bytes).await?;
        if !mended(&mut is_whole).await || read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..read]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cut_cable_carries_nothing_and_a_mended_one_what_waited() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = Link::to(listener.local_addr().unwrap()).await.unwrap();
        let mut near = TcpStream::connect(link.near()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.write_u8(1).await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), 1);

        link.set_whole(false);
        near.write_u8(2).await.unwrap();
        // A connection that is made now is not there yet either.
        let mut late = TcpStream::connect(link.near()).await.unwrap();
        late.write_u8(3).await.unwrap();
        let mut byte = [0];
        let early = tokio::select! {
            biased;
            _ = far.read(&mut byte) => true,
            _ = listener.accept() => true,
            // Whoever was to be woken has been, many times over.
            () = async { for _ in 0..1000 { tokio::task::yield_now().await } } => false,
        };
        assert!(!early, "it is cut");

        link.set_whole(true);
        assert_eq!(far.read_u8().await.unwrap(), 2);
        let (mut new, _) = listener.accept().await.unwrap();
        assert_eq!(new.read_u8().await.unwrap(), 3);
        drop(near);
        assert!(far.read_u8().await.is_err(), "its end is told");
    }
}
