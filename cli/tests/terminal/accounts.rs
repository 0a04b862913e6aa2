//! `token` and `user`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform},
    program::Machine,
};

fn account(name: &str, active: bool) -> Value {
    json!({
        "name": name, "nickName": "Ada L.", "sharedGroup": "vision", "role": "INTERNAL", "uid": 10001,
        "active": active, "groups": ["internal", "public", name],
    })
}

fn token(revoked: Option<&str>) -> Value {
    json!({
        "id": "7", "user": { "name": "ada" }, "holder": { "name": "bob" }, "scope": "EXCEPT_JUPYTER",
        "name": "for a week", "createdBy": "ada", "createdAt": "2026-11-27T10:00:00Z",
        "expiresAt": "2030-01-31T00:00:00Z", "revokedAt": revoked,
    })
}

fn platform() -> Platform {
    Platform::start(|asked| {
        let input = asked.variables.get("input").unwrap_or(&Value::Null);
        let page = json!({ "hasNextPage": false, "endCursor": null });
        Answer::Data(match asked.name.as_str() {
            "ListUsers" => {
                json!({ "users": { "nodes": [account("ada", true)], "pageInfo": page } })
            }
            "CreateUser" => {
                json!({ "createUser": { "user": account("cy", true), "token": "ACCESS-1" } })
            }
            "SetUserActive" => json!({ "setUserActive": account("ada", input["active"] == true) }),
            "SetUserGroups" => json!({ "setUserGroups": account("ada", true) }),
            "ListTokens" => {
                json!({ "accessTokens": { "nodes": [token(None)], "pageInfo": page } })
            }
            "CreateAccessToken" => {
                json!({ "createAccessToken": { "accessToken": token(None), "token": "ACCESS-2" } })
            }
            "RotateToken" => {
                json!({ "rotateToken": { "accessToken": token(None), "token": "ACCESS-3" } })
            }
            "RevokeAccessToken" => {
                json!({ "revokeAccessToken": token(Some("2026-11-27T11:00:00Z")) })
            }
            other => panic!("{other}"),
        })
    })
}

#[test]
fn users_are_listed_made_and_changed() {
    let platform = platform();
    let machine = Machine::logged_in(&platform);
    let ended = machine.run(&["user", "list"]);
    let line = "ada   Ada L.     internal  vision  10001  yes     internal, public, ada\n";
    let shown = ended.succeeds();
    assert!(shown.contains(line), "{shown}");
    let words = [
        "user",
        "create",
        "cy",
        "--external",
        "--shared-group",
        "vision",
    ];
    assert_eq!(machine.run(&words).succeeds(), "ACCESS-1\n");
    let asked = platform.asked_for("CreateUser");
    let expected =
        json!({ "name": "cy", "sharedGroup": "vision", "role": "EXTERNAL", "groups": [] });
    assert_eq!(asked[0].variables["input"], expected);
    let ended = machine.run(&["user", "deactivate", "ada", "--json"]);
    let shown: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(shown["active"], false);
    machine
        .run(&["user", "groups", "ada", "ops", "root"])
        .succeeds();
    let asked = platform.asked_for("SetUserGroups");
    let expected = json!({ "user": "ada", "groups": ["ops", "root"] });
    assert_eq!(asked[0].variables["input"], expected);
}

#[test]
fn tokens_are_listed_made_and_revoked() {
    let platform = platform();
    let machine = Machine::logged_in(&platform);
    let ended = machine.run(&["token", "list"]);
    let line =
        "7   ada   bob     except_jupyter  for a week  2026-11-27 10:00:00  2030-01-31 00:00:00\n";
    let shown = ended.succeeds();
    assert!(shown.contains(line), "{shown}");
    let asked = platform.asked_for("ListTokens");
    assert_eq!(asked[0].variables["filter"], json!({ "live": true }));
    let words = [
        "token",
        "create",
        "--holder",
        "bob",
        "--scope",
        "read",
        "--expires",
        "2030-01-31T00:00:00Z",
    ];
    assert_eq!(machine.run(&words).succeeds(), "ACCESS-2\n");
    let asked = platform.asked_for("CreateAccessToken");
    let input = &asked[0].variables["input"];
    assert_eq!(
        (&input["holder"], &input["scope"]),
        (&json!("bob"), &json!("READ"))
    );
    let ended = machine.run(&["token", "rotate", "7"]);
    assert_eq!(ended.succeeds(), "ACCESS-3\n");
    let ended = machine.run(&["token", "revoke", "7"]);
    assert_eq!(ended.succeeds(), "token 7 is revoked\n");
}
