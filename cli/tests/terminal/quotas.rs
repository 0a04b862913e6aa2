//! `quota`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform},
    program::Machine,
};

fn ledger() -> Value {
    json!({
        "user": "ada",
        "quotas": [
            { "group": "training", "priority": "HIGH", "used": 2, "limit": 3, "ceiling": 8, "available": 1 },
            { "group": "training", "priority": "LOW", "used": 0, "limit": 9, "ceiling": null, "available": 9 },
        ],
        "resources": [
            { "resource": "jupyter:training", "amount": 2, "memoryGib": 64, "cpus": 8 },
            { "resource": "port", "amount": 4, "memoryGib": null, "cpus": null },
        ],
        "validUntil": "2026-11-30T18:00:00Z",
    })
}

fn platform() -> Platform {
    Platform::start(|asked| {
        let input = asked.variables.get("input").unwrap_or(&Value::Null);
        let named = |amount: &Value| {
            json!({
                "owner": input["owner"], "resource": input["resource"], "amount": amount, "memoryGib": null,
                "cpus": null, "expiresAt": input["expiresAt"],
            })
        };
        Answer::Data(match asked.name.as_str() {
            "ReadLedger" if asked.variables["group"] == "empty" => {
                json!({ "quotaLedger": { "user": "ada", "quotas": [], "resources": [], "validUntil": null } })
            }
            "ReadLedger" => json!({ "quotaLedger": ledger() }),
            "SetResourceQuota" => json!({ "setResourceQuota": named(&input["amount"]) }),
            "RemoveQuota" => json!({ "removeQuota": named(&json!(3)) }),
            "SetMyQuota" if input["nodes"] == 9 => {
                let message = "nodes: 9 is more than the 8 that are allowed";
                return Answer::Refusal("QUOTA_EXCEEDED", message);
            }
            "SetMyQuota" => json!({ "setMyQuota": {
                "owner": "ada", "kind": "GRANT", "tag": "", "group": input["group"], "priority": input["priority"],
                "nodes": input["nodes"], "expiresAt": null,
            } }),
            "ListQuotaChanges" => json!({ "quotaChanges": { "nodes": [{
                "at": "2026-11-27T10:00:00Z", "editor": "root", "owner": "ada", "resource": "node-training-HIGH",
                "before": null, "after": 3, "expiresAt": null,
            }] } }),
            "SimulateQuota" if input["nodes"] == 0 => {
                json!({ "simulateQuota": { "starts": [], "giveWay": [], "waits": [] } })
            }
            "SimulateQuota" => json!({ "simulateQuota": {
                "starts": [{ "task": "7", "priority": "HIGH", "nodes": ["n1", "n2"] }],
                "giveWay": [{ "task": "5", "forTask": "7" }],
                "waits": [
                    { "task": "7", "before": "no quota is left", "after": null },
                    { "task": "6", "before": "a node is kept free", "after": null },
                    { "task": "8", "before": null, "after": "too few nodes are free" },
                ],
            } }),
            other => panic!("{other}"),
        })
    })
}

#[test]
fn a_ledger_is_two_tables_and_when_it_ends() {
    let platform = platform();
    let machine = Machine::logged_in(&platform);
    let expected = "\
group     priority  used  limit  available  ceiling
-----------------------------------------------------
training  high      2     3      1          8
training  low       0     9      9          -

resource          amount
-------------------------------------------------------
jupyter:training  2 with 64 GiB together, 8 CPUs each
port              4

a part of it ends at 2026-11-30 18:00:00 UTC
";
    assert_eq!(machine.run(&["quota"]).succeeds(), expected);
    let words = ["quota", "show", "ada", "-g", "training", "--json"];
    let shown: Value = serde_json::from_str(machine.run(&words).succeeds()).unwrap();
    assert_eq!(shown, ledger());
    let asked = platform.asked_for("ReadLedger");
    assert_eq!(asked[0].variables["user"], Value::Null);
    assert_eq!(asked[1].variables["user"], "ada");
    assert_eq!(asked[1].variables["group"], "training");
    let nothing = machine.run(&["quota", "show", "-g", "empty"]);
    let expected = "ada may hold no nodes: an administrator grants them\n";
    assert_eq!(nothing.succeeds(), expected);
}

#[test]
fn quotas_are_set_removed_and_their_changes_listed() {
    let platform = platform();
    let machine = Machine::logged_in(&platform);
    let until = "2030-01-31T00:00:00";
    let words = [
        "quota",
        "set",
        "ada",
        "node-training-HIGH",
        "3",
        "--until",
        until,
    ];
    let expected = "ada has node-training-HIGH 3 until 2030-01-31 00:00:00 UTC\n";
    assert_eq!(machine.run(&words).succeeds(), expected);
    let asked = platform.asked_for("SetResourceQuota");
    let expected = json!({
        "owner": "ada", "resource": "node-training-HIGH", "amount": 3, "expiresAt": "2030-01-31T00:00:00Z",
    });
    assert_eq!(asked[0].variables["input"], expected);
    let words = ["quota", "remove", "ada", "node-training-HIGH"];
    let expected = "ada had node-training-HIGH 3; now those of the groups count\n";
    assert_eq!(machine.run(&words).succeeds(), expected);
    let line = "2026-11-27 10:00:00  root    ada    node-training-HIGH  -       3      -\n";
    let words = ["quota", "log", "ada", "--editor", "root", "-n", "7"];
    let ended = machine.run(&words);
    let shown = ended.succeeds();
    assert!(shown.contains(line), "{shown}");
    let asked = platform.asked_for("ListQuotaChanges");
    assert_eq!(asked[0].variables["first"], 7);
    let expected = json!({ "owner": "ada", "editor": "root" });
    assert_eq!(asked[0].variables["filter"], expected);
}

#[test]
fn ones_own_quota_is_set_up_to_the_ceiling() {
    let machine = Machine::logged_in(&platform());
    let set = |nodes, level| machine.run(&["quota", "set-mine", "training", level, nodes]);
    let expected = "you may hold 8 nodes of training at above_normal\n";
    assert_eq!(set("8", "20").succeeds(), expected);
    let refused = set("9", "high");
    assert_eq!(refused.code, 5);
    let expected = "nodes: 9 is more than the 8 that are allowed";
    assert!(refused.err.contains(expected), "{}", refused.err);
    let unknown = set("1", "highest");
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("use one of 50 EXTREME_HIGH"),
        "{}",
        unknown.err
    );
    let never = machine.run(&["quota", "set", "ada", "port", "1", "--until", "soon"]);
    assert_eq!(never.code, 2);
    assert!(
        never.err.contains("write 30s, 10m, 2h or 1d"),
        "{}",
        never.err
    );
}

#[test]
fn a_simulation_is_a_sentence_a_line() {
    let machine = Machine::logged_in(&platform());
    let simulate = |nodes| machine.run(&["quota", "simulate", "ada", "node-training-HIGH", nodes]);
    let expected = "\
task 7 would start at high on n1, n2
task 5 would give way to task 7
task 6 would no longer wait; now: a node is kept free
task 8 would wait: too few nodes are free
";
    assert_eq!(simulate("3").succeeds(), expected);
    let expected = "nothing would be different at once\n";
    assert_eq!(simulate("0").succeeds(), expected);
}
