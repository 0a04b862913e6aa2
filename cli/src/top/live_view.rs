//! The terminal around the live view: keys and news in, pictures out, and everything put back at the end.

use std::io::{self, IsTerminal};

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt;
use ratatui::DefaultTerminal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{self, Receiver},
};

use super::{
    draw::draw,
    feed::feed,
    view::{News, View},
};
use crate::{
    client::Client,
    commands::Context,
    error::{Error, Result},
};

/// News that may wait while a picture is drawn.
const N_WAITING: usize = 64;
/// Lines that a page key moves.
const PAGE: isize = 10;

/// Shows the live view until the user leaves it.
pub(crate) async fn show(context: &Context, client: &Client, user: String) -> Result<()> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        let list = format!("`{} list`", context.program);
        return Err(Error::Usage(format!(
            "`top` needs a terminal: use {list} where there is none"
        )));
    }
    context.screen.progress().stop();
    let (sender, news) = mpsc::channel(N_WAITING);
    let view = View::new(user, client.login().address.to_string());
    let mut screen = FullScreen::enter()?;
    tokio::select! {
        error = feed(client, &sender) => Err(error),
        end = watch(&mut screen.terminal, view, news, context.screen.look().colour) => end,
    }
}

/// The terminal while it shows nothing but us. Dropping it, or a panic, gives back what was there before.
struct FullScreen {
    terminal: DefaultTerminal,
}

impl FullScreen {
    fn enter() -> Result<Self> {
        // It also sets a panic hook that restores the terminal before the message is printed.
        let terminal = ratatui::try_init().map_err(Error::Output)?;
        Ok(Self { terminal })
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

async fn watch(
    terminal: &mut DefaultTerminal,
    mut view: View,
    mut news: Receiver<News>,
    colour: bool,
) -> Result<()> {
    let mut keys = EventStream::new();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Startup)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Startup)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(Error::Startup)?;
    loop {
        terminal
            .draw(|frame| draw(frame, &view, colour))
            .map_err(Error::Output)?;
        tokio::select! {
            event = keys.next() => match event {
                Some(Ok(Event::Key(key))) => match meaning(key) {
                    Wish::Leave => return Ok(()),
                    Wish::Scroll(lines) => view.scroll(lines),
                    Wish::Nothing => {}
                },
                // A new size is noticed by the next picture.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Error::Output(error)),
                None => return Ok(()),
            },
            told = news.recv() => {
                let Some(told) = told else { return Ok(()) };
                view.learn(told);
                // What came in the meantime does not need a picture of its own.
                while let Ok(told) = news.try_recv() {
                    view.learn(told);
                }
            }
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = hang_up.recv() => return Ok(()),
        }
    }
}

/// What a key means.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Leave,
    Scroll(isize),
    Nothing,
}

fn meaning(key: KeyEvent) -> Wish {
    if key.kind == KeyEventKind::Release {
        return Wish::Nothing;
    }
    match key.code {
        KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Leave,
        KeyCode::Char('q') | KeyCode::Esc => Wish::Leave,
        KeyCode::Down | KeyCode::Char('j') => Wish::Scroll(1),
        KeyCode::Up | KeyCode::Char('k') => Wish::Scroll(-1),
        KeyCode::PageDown => Wish::Scroll(PAGE),
        KeyCode::PageUp => Wish::Scroll(-PAGE),
        _ => Wish::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::Read,
        process::{Command, Stdio},
    };

    use nix::{
        pty::openpty,
        sys::termios::{LocalFlags, tcgetattr},
    };

    use super::*;

    #[test]
    fn q_and_ctrl_c_leave_and_arrows_scroll() {
        let plain = |code| meaning(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(plain(KeyCode::Char('q')), Wish::Leave);
        assert_eq!(plain(KeyCode::Char('c')), Wish::Nothing);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(meaning(ctrl_c), Wish::Leave);
        assert_eq!(plain(KeyCode::Down), Wish::Scroll(1));
        assert_eq!(plain(KeyCode::PageUp), Wish::Scroll(-PAGE));
    }
    /// Tells this program, when it runs itself on a terminal, to panic there.
    const PANIC: &str = "HAI_TEST_PANIC";

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program that panics is this one, on a terminal of its own"
    )]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        if std::env::var(PANIC).is_ok() {
            let _screen = FullScreen::enter().unwrap();
            panic!("on purpose");
        }
        let pty = openpty(None, None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        let name = "top::live_view::tests::a_panic_gives_the_terminal_back_before_it_is_told";
        let mut itself = Command::new(std::env::current_exe().unwrap());
        itself
            .args(["--exact", name, "--nocapture"])
            .env(PANIC, "1")
            .stdin(side())
            .stdout(side())
            .stderr(side());
        let status = itself.spawn().unwrap().wait().unwrap();
        assert!(!status.success());
        let flags = tcgetattr(&pty.slave).unwrap().local_flags;
        assert!(flags.contains(LocalFlags::ECHO | LocalFlags::ICANON));
        drop(itself);
        drop(pty.slave);
        let mut shown = Vec::new();
        // A terminal without a program behind it answers with an error.
        let _ = File::from(pty.master).read_to_end(&mut shown);
        let shown = String::from_utf8(shown).unwrap();
        let (before, told) = shown.split_once("\x1b[?1049l").unwrap();
        assert!(before.contains("\x1b[?1049h"), "{shown:?}");
        assert!(told.contains("on purpose"), "{shown:?}");
    }
}
