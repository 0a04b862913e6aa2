//! The socket in the control directory: who may speak, how much, and how long.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::call::{Answer, Call, Request, line};

/// Connections at the same time. More wait to be accepted.
const MOST_CONNECTIONS: usize = 64;

/// Longest request in bytes, with its end of line.
const LONGEST_LINE: u64 = 16 << 10;

/// How long a connection may keep its place without a whole request, or without taking its answer. Short, because others
/// may wait for that place to say that they have heard of a suspension.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer may take: the library's own patience, and a little more.
const LONGEST_CALL: Duration = Duration::from_secs(510);

/// After a failure to accept, which is a lack of something that others must give back first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the processes of this user, and root, until dropped.
pub(super) async fn accept(listener: UnixListener, caller: u32, calls: mpsc::Sender<Call>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _address)) if may_speak(&stream, caller) => {
                    let (input, output) = stream.into_split();
                    connections.spawn(serve(input, output, calls.clone()));
                }
                Ok((_stream, _address)) => tracing::warn!("a process of another user was sent away"),
                Err(error) => {
                    tracing::warn!(%error, "a call cannot be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_served) = connections.join_next() => {}
        }
    }
}

fn may_speak(stream: &UnixStream, caller: u32) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == caller || peer.uid() == 0)
}

/// Answers request after request of one connection, until it ends, breaks a rule, or keeps us waiting.
async fn serve(
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    calls: mpsc::Sender<Call>,
) {
    let mut input = BufReader::new(input);
    loop {
        let request = match timeout(PATIENCE, read_line(&mut input)).await {
            Ok(Ok(Some(request))) => request,
            Ok(Ok(None) | Err(_)) | Err(_) => return,
        };
        let (answer, is_last) = match request {
            Line::Whole(bytes) => (answer(&bytes, &calls).await, false),
            Line::TooLong => {
                let message = format!("A request has at most {LONGEST_LINE} bytes.");
                (Err(message), true)
            }
        };
        match timeout(PATIENCE, output.write_all(&line(answer))).await {
            Ok(Ok(())) if !is_last => {}
            Ok(Ok(()) | Err(_)) | Err(_) => return,
        }
    }
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line; the end of the input ends a line, too.
async fn read_line(input: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    input
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut bytes)
        .await?;
    let is_full = bytes.len() as u64 == LONGEST_LINE && bytes.last() != Some(&b'\n');
    Ok(match bytes.len() {
        0 => None,
        _ if is_full => Some(Line::TooLong),
        _ => Some(Line::Whole(bytes)),
    })
}

async fn answer(line: &[u8], calls: &mpsc::Sender<Call>) -> Answer {
    let request: Request =
        serde_json::from_slice(line).map_err(|error| format!("This is no request: {error}."))?;
    let (reply, answer) = oneshot::channel();
    let call = Call { request, reply };
    let gone = || "The rank is ending.".to_owned();
    calls.send(call).await.map_err(|_gone| gone())?;
    match timeout(LONGEST_CALL, answer).await {
        Ok(answer) => answer.unwrap_or_else(|_gone| Err(gone())),
        Err(_elapsed) => Err("The server did not answer in time.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::geteuid;
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// A connection on which every request is answered with success, and the end of the server's side.
    fn connect() -> (DuplexStream, JoinSet<()>) {
        let (client, server) = duplex(1 << 20);
        let (calls, mut called) = mpsc::channel::<Call>(1);
        let (input, output) = tokio::io::split(server);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(input, output, calls));
        tasks.spawn(async move {
            while let Some(call) = called.recv().await {
                call.reply.send(Ok(())).unwrap();
            }
        });
        (client, tasks)
    }

    /// What the client hears until the connection ends.
    async fn hear(mut client: DuplexStream) -> String {
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_answered_in_order_and_nonsense_does_not_end_them() {
        let (mut client, _tasks) = connect();
        client
            .write_all(b"{\"call\":\"saving\"}\nnonsense\n{\"call\":\"saving\"}\n")
            .await
            .unwrap();
        let heard = hear(client).await;
        let lines: Vec<_> = heard.lines().collect();
        assert_eq!((lines[0], lines[2]), (r#"{"ok":true}"#, r#"{"ok":true}"#));
        assert!(lines[1].starts_with(r#"{"ok":false,"message":"This is no request: "#));
        assert_eq!(lines.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_loses_its_place() {
        for beginning in ["", "{\"call\":"] {
            let (mut client, _tasks) = connect();
            client.write_all(beginning.as_bytes()).await.unwrap();
            assert_eq!(hear(client).await, "");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_an_end() {
        let (mut client, _tasks) = connect();
        client.write_all(&[b' '; 1 << 15]).await.unwrap();
        let expected = "{\"ok\":false,\"message\":\"A request has at most 16384 bytes.\"}\n";
        assert_eq!(hear(client).await, expected);
    }

    #[tokio::test]
    async fn only_the_commands_user_and_root_may_speak() {
        let (stream, _other_end) = UnixStream::pair().unwrap();
        let me = geteuid();
        assert!(may_speak(&stream, me.as_raw()));
        assert_eq!(may_speak(&stream, me.as_raw() + 1), me.is_root());
    }
}
