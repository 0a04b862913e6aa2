//! `init`: saves a login that works.

use std::io::{self, BufRead, IsTerminal};

use cynic::QueryBuilder;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use serde_json::json;

use super::Context;
use crate::{
    address::Address,
    args::InitArgs,
    client::Client,
    config::{Login, Token},
    error::{Code, Error, Result},
    operations::MyName,
    output,
};

pub(super) async fn run(context: &mut Context, args: InitArgs) -> Result<u8> {
    let url = args.url.or_else(|| context.environment.server.clone());
    let url = url.ok_or_else(|| {
        Error::Usage(
            "the address of the platform is missing: add `--url URL`, as `hai-platform up` prints it"
                .to_owned(),
        )
    })?;
    let address = Address::parse(&url)?;
    let token = match args.token.as_deref() {
        Some("-") => read_line(&mut io::stdin().lock())?,
        Some(token) => Token::new(token),
        None if io::stdin().is_terminal() => ask_for_token(context)?,
        None => {
            return Err(Error::Usage(
                "the token is missing: give it as an argument, or `-` to read it from standard input"
                    .to_owned(),
            ));
        }
    };
    if !token.is_plausible() {
        return Err(Error::Usage(
            "that is not a token: tokens are one word of letters, digits and signs".to_owned(),
        ));
    }
    if !address.is_encrypted() && !address.is_loopback() {
        context.screen.note(&format!(
            "warning: {address} is not encrypted, everybody between here and there can read the token"
        ));
    }
    let client = Client::new(Login { address, token }, context.screen.progress().clone())?;
    let name = client
        .ask(&MyName::build(()))
        .await
        .map_err(refused)?
        .me
        .name;
    let path = client.login().save(&context.environment)?;
    let address = &client.login().address;
    let text = match context.json {
        true => output::json(&json!({
            "user": name,
            "url": address.to_string(),
            "config": path.display().to_string(),
        })),
        false => format!(
            "logged in to {address} as {name}; saved in {}\n",
            path.display()
        ),
    };
    context.screen.print(&text)?;
    Ok(0)
}

/// A refused token is a wrong argument here, not a login that has become old.
fn refused(error: Error) -> Error {
    match error {
        Error::Refused {
            code: Code::Unauthenticated,
            message,
        } => Error::Refused {
            code: Code::Forbidden,
            message: format!(
                "the platform does not accept this token ({message}); nothing is saved"
            ),
        },
        error => error,
    }
}

fn read_line(input: &mut impl BufRead) -> Result<Token> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|source| Error::Read {
        path: "standard input".into(),
        source,
    })?;
    Ok(Token::new(line))
}

/// Asks on the terminal, which does not show what is typed.
fn ask_for_token(context: &mut Context) -> Result<Token> {
    let stdin = io::stdin();
    let shown = tcgetattr(&stdin).map_err(|error| Error::Startup(error.into()))?;
    let mut hidden = shown.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &hidden).map_err(|error| Error::Startup(error.into()))?;
    context.screen.ask("token: ");
    let token = read_line(&mut stdin.lock());
    let restored = tcsetattr(&stdin, SetArg::TCSAFLUSH, &shown);
    // The user's own line break was not shown either.
    context.screen.note("");
    restored.map_err(|error| Error::Startup(error.into()))?;
    token
}
