//! The network between agents and their server, as far as a test breaks it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes connections on to the server, and breaks them when a test wants it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Where the server is, as far as agents know.
    pub(crate) url: String,
    broken: watch::Sender<()>,
    _work: JoinSet<()>,
}

impl Wire {
    /// A wire to a server, which need not be there.
    pub(crate) async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let broken = watch::Sender::new(());
        let breaks = broken.clone();
        let mut work = JoinSet::new();
        work.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        // One that broke at once is no loss.
                        if let Ok((agent, _)) = accepted {
                            connections.spawn(pass_on(agent, server, breaks.subscribe()));
                        }
                    }
                    Some(_) = connections.join_next(), if !connections.is_empty() => {}
                }
            }
        });
        Ok(Self {
            url,
            broken,
            _work: work,
        })
    }

    /// Breaks every connection.
    pub(crate) fn break_all(&self) {
        self.broken.send_replace(());
    }
}

async fn pass_on(mut agent: TcpStream, server: SocketAddr, mut breaks: watch::Receiver<()>) {
    let passes = async {
        let mut server = TcpStream::connect(server).await?;
        copy_bidirectional(&mut agent, &mut server).await
    };
    // However it ends, both sides notice.
    tokio::select! {
        _ = passes => {}
        _ = breaks.changed() => {}
    }
}
