//! Sessions on a real database.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{access_token, session_code};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, PaginatorTrait};

use super::{
    Code, Opened, Ticket, close, count, create_code, end, end_all, list, open, refresh, sign_in,
};
use crate::auth::tokens::{self, CreateToken};
use crate::auth::{Actor, Scope, Token};
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::testing::TestApp;
use crate::user;

/// Secrets of a test differ from each other.
fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

async fn code(app: &TestApp, actor: &Actor, token: &Token, seed: u64) -> Result<Code> {
    let name = Some("laptop".to_owned());
    let make = async |tx: &mut Tx| {
        create_code(tx, actor, token.reveal(), name.clone(), &mut random(seed)).await
    };
    app.write(make).await.map(|(code, _)| code)
}

async fn opened(app: &TestApp, code: &Code) -> Result<Opened> {
    let address = "10.0.0.1";
    app.write(async |tx| open(tx, &app.app.keys, code, address, &mut random(9)).await)
        .await
}

/// A session of the administrator.
async fn session(app: &TestApp) -> (Opened, Ticket) {
    let code = code(app, &app.root, &app.root_token, 1).await.unwrap();
    let opened = opened(app, &code).await.unwrap();
    let ticket = Ticket::read(&app.app.keys, opened.cookie.reveal()).unwrap();
    (opened, ticket)
}

async fn who(app: &TestApp, ticket: &Ticket) -> Option<Actor> {
    match sign_in(app.app.reader(), app.app.now(), ticket).await {
        Ok(actor) => Some(actor),
        Err(Error::Unauthenticated) => None,
        Err(error) => panic!("{error:?}"),
    }
}

async fn made(app: &TestApp, user: &str, holder: Option<&str>, scope: Scope, seed: u64) -> Token {
    made_until(app, user, holder, scope, None, seed).await
}

async fn made_until(
    app: &TestApp,
    user: &str,
    holder: Option<&str>,
    scope: Scope,
    expires_at: Option<DateTime<Utc>>,
    seed: u64,
) -> Token {
    let input = CreateToken {
        user: user.to_owned(),
        holder: holder.map(str::to_owned),
        scope,
        name: None,
        expires_at,
    };
    let make =
        async |tx: &mut Tx| tokens::create(tx, &app.root, input.clone(), &mut random(seed)).await;
    app.write(make).await.unwrap().1
}

#[tokio::test]
async fn a_code_opens_one_session_that_acts_as_its_token() {
    let app = TestApp::with_nodes(1).await;
    let code = code(&app, &app.root, &app.root_token, 1).await.unwrap();
    let first = opened(&app, &code).await.unwrap();
    assert_eq!(first.actor, app.root);
    assert_eq!(first.session.name.as_deref(), Some("laptop"));
    assert_eq!(first.session.address, "10.0.0.1");
    let ticket = Ticket::read(&app.app.keys, first.cookie.reveal()).unwrap();
    assert_eq!(who(&app, &ticket).await.as_ref(), Some(&app.root));
    let again = opened(&app, &code).await;
    assert!(matches!(again, Err(Error::Unauthenticated)), "{again:?}");
}

#[tokio::test]
async fn a_code_is_good_for_minutes_and_of_many_only_the_newest_are() {
    let app = TestApp::with_nodes(1).await;
    let mut codes = Vec::new();
    for seed in 1..=4 {
        codes.push(code(&app, &app.root, &app.root_token, seed).await.unwrap());
    }
    assert!(opened(&app, &codes[0]).await.is_err(), "three are newer");
    assert!(opened(&app, &codes[1]).await.is_ok());
    app.clock.advance(TimeDelta::minutes(5));
    assert!(opened(&app, &codes[3]).await.is_err(), "it is too old");
    // Whoever asks next takes away what is over.
    code(&app, &app.root, &app.root_token, 5).await.unwrap();
    let left = session_code::Entity::find().count(app.app.reader()).await;
    assert_eq!(left.unwrap(), 1);
}

#[tokio::test]
async fn only_who_may_make_tokens_for_himself_gets_a_code() {
    let app = TestApp::with_nodes(1).await;
    let (ada, _) = app.user("ada").await;
    for (holder, scope, seed) in [
        (None, Scope::Read, 11),
        (None, Scope::ExceptJupyter, 12),
        (Some("ada"), Scope::All, 13),
    ] {
        let token = made(&app, "admin", holder, scope, seed).await;
        let reader = app.app.reader();
        let actor = crate::auth::sign_in(reader, app.app.now(), token.reveal()).await;
        let refused = code(&app, &actor.unwrap(), &token, 1).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let make = async |tx: &mut Tx| {
        let name = Some(String::new());
        create_code(tx, &ada, app.root_token.reveal(), name, &mut random(1)).await
    };
    assert!(matches!(app.write(make).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_session_lives_while_it_is_refreshed_and_not_for_ever() {
    let app = TestApp::with_nodes(1).await;
    let (first, ticket) = session(&app).await;
    let keys = &app.app.keys;
    let anew = async || app.write(async |tx| refresh(tx, keys, &ticket).await).await;
    for _ in 0..30 {
        app.clock.advance(TimeDelta::hours(11));
        let (session, cookie) = anew().await.unwrap();
        assert!(cookie.expires_at > app.app.now() && session.idle_at <= first.session.ends_at);
    }
    app.clock.advance(TimeDelta::hours(11));
    assert!(matches!(anew().await, Err(Error::Unauthenticated)));

    let (_, ticket) = session(&app).await;
    app.clock.advance(TimeDelta::hours(12));
    assert_eq!(who(&app, &ticket).await, None, "nobody was there");
    let anew = app.write(async |tx| refresh(tx, keys, &ticket).await).await;
    assert!(matches!(anew, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn a_session_is_good_for_no_longer_than_its_token() {
    let app = TestApp::with_nodes(1).await;
    let end = app.app.now() + TimeDelta::hours(1);
    let token = made_until(&app, "admin", None, Scope::All, Some(end), 11).await;
    let made_with = code(&app, &app.root, &token, 1).await.unwrap();
    let short = opened(&app, &made_with).await.unwrap();
    assert_eq!((short.session.idle_at, short.session.ends_at), (end, end));

    let id = short.session.token_id;
    let ticket = Ticket::read(&app.app.keys, short.cookie.reveal()).unwrap();
    let unused = code(&app, &app.root, &token, 2).await.unwrap();
    let rotate = async |tx: &mut Tx| tokens::rotate(tx, &app.root, id, &mut random(3)).await;
    let (_, token) = app.write(rotate).await.unwrap();
    assert_eq!(who(&app, &ticket).await, None, "its secret may be known");
    assert!(opened(&app, &unused).await.is_err());

    let unused = code(&app, &app.root, &token, 4).await.unwrap();
    let revoke = async |tx: &mut Tx| tokens::revoke(tx, &app.root, id).await;
    app.write(revoke).await.unwrap();
    assert!(opened(&app, &unused).await.is_err());
}

/// Also by whoever writes the database beside the platform.
#[tokio::test]
async fn what_is_written_of_a_token_is_looked_at_for_every_request() {
    let app = TestApp::with_nodes(1).await;
    let (_, ticket) = session(&app).await;
    app.write(async |tx| {
        access_token::Entity::update_many()
            .col_expr(access_token::Column::RevokedAt, Expr::value(tx.now()))
            .exec(tx.db())
            .await?;
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(who(&app, &ticket).await, None);
}

#[tokio::test]
async fn who_is_shut_out_has_no_session_also_not_when_he_is_let_in_again() {
    let app = TestApp::with_nodes(1).await;
    let (ada, token) = app.user("ada").await;
    let code = code(&app, &ada, &token, 1).await.unwrap();
    let opened = opened(&app, &code).await.unwrap();
    let ticket = Ticket::read(&app.app.keys, opened.cookie.reveal()).unwrap();
    assert!(who(&app, &ticket).await.is_some());
    for active in [false, true] {
        app.write(async |tx| user::set_active(tx, &app.root, "ada", active).await)
            .await
            .unwrap();
        assert_eq!(who(&app, &ticket).await, None);
    }
}

#[tokio::test]
async fn one_sees_and_ends_ones_own_sessions_and_administrators_those_of_all() {
    let app = TestApp::with_nodes(1).await;
    let (reader, now) = (app.app.reader(), app.app.now());
    let (ada, token) = app.user("ada").await;
    let (bob, _) = app.user("bob").await;
    let mut ids = Vec::new();
    for seed in [1, 2, 3] {
        let code = code(&app, &ada, &token, seed).await.unwrap();
        let make =
            async |tx: &mut Tx| open(tx, &app.app.keys, &code, "", &mut random(20 + seed)).await;
        ids.push(app.write(make).await.unwrap().session.id);
    }
    let page = list(reader, &ada, now, None, Some(ids[2]), 1)
        .await
        .unwrap();
    assert_eq!((page.sessions[0].id, page.has_more), (ids[1], true));
    for (actor, user, expected) in [
        (&ada, None, 3),
        (&bob, None, 0),
        (&bob, Some("ada"), 0),
        (&app.root, Some("ada"), 3),
        (&app.root, Some("nobody"), 0),
    ] {
        assert_eq!(count(reader, actor, now, user).await.unwrap(), expected);
    }
    let ended = app.write(async |tx| end(tx, &bob, ids[0]).await).await;
    assert!(matches!(ended, Err(Error::NotFound { .. })), "{ended:?}");
    let ended = app.write(async |tx| end_all(tx, &bob, "ada").await).await;
    assert!(matches!(ended, Err(Error::Forbidden(_))), "{ended:?}");
    app.write(async |tx| end(tx, &ada, ids[0]).await)
        .await
        .unwrap();
    let again = app.write(async |tx| end(tx, &ada, ids[0]).await).await;
    assert!(matches!(again, Err(Error::NotFound { .. })));
    let unused = code(&app, &ada, &token, 4).await.unwrap();
    let ended = app
        .write(async |tx| end_all(tx, &app.root, "ada").await)
        .await;
    assert_eq!(ended.unwrap(), 2);
    assert!(opened(&app, &unused).await.is_err(), "codes end, too");
}

#[tokio::test]
async fn who_signs_out_is_out_and_may_do_so_twice() {
    let app = TestApp::with_nodes(1).await;
    let (opened, ticket) = session(&app).await;
    let out = async || {
        app.write(async |tx| close(tx, &ticket).await)
            .await
            .unwrap()
    };
    assert_eq!(out().await.map(|it| it.id), Some(opened.session.id));
    assert_eq!(who(&app, &ticket).await, None);
    assert_eq!(out().await, None);
}
