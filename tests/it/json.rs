//! What `hai-cli --json` prints has exactly the fields that cli/README.md tells scripts of.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tests::{Up, program, shell};

/// What a value looks like.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Anything.
    Any,
    /// An object of that name.
    Named(String),
    /// A list of such values.
    List(Box<Shape>),
    /// An object with these fields; those marked may be absent.
    Object(Vec<(String, Shape, bool)>),
}

/// Reads shapes as README.md writes them.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn takes(&mut self, mark: char) -> bool {
        let rest = self.0.trim_start();
        let taken = rest.strip_prefix(mark);
        self.0 = taken.unwrap_or(rest);
        taken.is_some()
    }

    fn word(&mut self) -> String {
        let rest = self.0.trim_start();
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric());
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.0 = rest;
        word.to_owned()
    }

    /// An object, a list, a name, or nothing: then it may be anything.
    fn shape(&mut self) -> Result<Shape> {
        if self.takes('[') {
            let of = self.shape()?;
            ensure!(self.takes(']'), "a list does not end before `{}`", self.0);
            return Ok(Shape::List(Box::new(of)));
        }
        if !self.takes('{') {
            let name = self.word();
            let is_named = !name.is_empty();
            return Ok(if is_named {
                Shape::Named(name)
            } else {
                Shape::Any
            });
        }
        let mut fields = Vec::new();
        loop {
            let name = self.word();
            let may_be_absent = self.takes('?');
            fields.push((name, self.shape()?, may_be_absent));
            if self.takes('}') {
                return Ok(Shape::Object(fields));
            }
            ensure!(self.takes(','), "a field does not end before `{}`", self.0);
        }
    }
}

/// The page.
struct Page {
    text: String,
    named: BTreeMap<String, Shape>,
}

impl Page {
    fn read() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/README.md");
        let text = std::fs::read_to_string(path)?;
        let (_, block) = text
            .split_once("```text\nUser")
            .context("no named objects")?;
        let (block, _) = block.split_once("```").context("they do not end")?;
        let block = format!("User{block}");
        let mut reader = Reader(&block);
        let mut named = BTreeMap::new();
        while !reader.0.trim().is_empty() {
            let name = reader.word();
            named.insert(name, reader.shape()?);
        }
        Ok(Self { text, named })
    }

    /// The shape in the row of the table that begins so.
    fn row(&self, command: &str) -> Result<Shape> {
        let begin = format!("| {command} | `");
        let row = self.text.lines().find_map(|line| line.strip_prefix(&begin));
        Reader(row.with_context(|| format!("no row of {command}"))?).shape()
    }

    /// Whether a value is of a shape; where not, the error says at which place.
    fn check(&self, value: &Value, shape: &Shape, place: &str) -> Result<()> {
        match (shape, value) {
            (Shape::Any, _) | (Shape::Named(_) | Shape::Object(_), Value::Null) => Ok(()),
            (Shape::Named(name), _) => {
                let shape = self.named.get(name);
                let shape = shape.with_context(|| format!("nothing is named {name}"))?;
                self.check(value, shape, place)
            }
            (Shape::List(shape), Value::Array(values)) => values
                .iter()
                .try_for_each(|value| self.check(value, shape, &format!("{place}[]"))),
            (Shape::Object(fields), Value::Object(values)) => {
                for (name, shape, may_be_absent) in fields {
                    match values.get(name) {
                        Some(value) => self.check(value, shape, &format!("{place}.{name}"))?,
                        None => ensure!(may_be_absent, "{place} has no {name}"),
                    }
                }
                let known = |name: &String| fields.iter().any(|(known, ..)| known == name);
                match values.keys().find(|name| !known(name)) {
                    Some(name) => bail!("README.md does not tell of {place}.{name}"),
                    None => Ok(()),
                }
            }
            (shape, value) => bail!("{place} is no {shape:?}: {value}"),
        }
    }
}

/// The platform with one that types, and all that is compared.
struct Session {
    up: Up,
    page: Page,
}

impl Session {
    async fn start() -> Result<Self> {
        let (up, page) = (Up::start().await?, Page::read()?);
        Ok(Self { up, page })
    }

    /// Types a command of which this row tells. Gives the values.
    async fn types(&self, row: &str, line: &str) -> Result<Vec<Value>> {
        let shape = self.page.row(row)?;
        let program = program("hai-cli")?;
        let tools = program
            .parent()
            .context("the programs are in a directory")?;
        let printed = shell(line, &self.up.code(), tools).await?;
        let values = serde_json::Deserializer::from_str(&printed).into_iter();
        let values: Vec<Value> = values
            .collect::<Result<_, _>>()
            .with_context(|| format!("{line} prints {printed}"))?;
        ensure!(!values.is_empty(), "{line} prints nothing");
        for value in &values {
            ensure!(!value.is_null(), "{line} prints null");
            self.page.check(value, &shape, line)?;
        }
        Ok(values)
    }
}

#[tokio::test]
async fn scripts_get_what_the_page_tells_them_of() -> Result<()> {
    let session = Session::start().await?;
    let (url, token) = (&session.up.url, &session.up.token);
    std::fs::write(session.up.code().join("long.sh"), "sleep 1000\n")?;
    let submit = r"`python\|bash\|exec … --`, `run`, `status`, `priority`";
    let one = "`stop`, `suspend`, `resume` of one";
    let several = "the same of several";
    session
        .types(
            "`init`",
            &format!("hai-cli init {token} --url {url} --json"),
        )
        .await?;
    session.types("`whoami`", "hai-cli whoami --json").await?;
    std::fs::write(session.up.code().join("short.sh"), "echo begun\n")?;
    for words in [
        "short.sh -- --json",
        "long.sh -- --json",
        "long.sh -- --json -n 2 --name waits",
    ] {
        session
            .types(submit, &format!("hai-cli bash {words}"))
            .await?;
    }
    let admin = session.up.admin().await?;
    admin.running("2").await?;
    admin
        .wait_for("1", |task| task["state"] == "FINISHED")
        .await?;
    admin
        .wait_for("3", |task| task["wait"]["message"].is_string())
        .await?;
    for line in ["status long.sh", "status waits", "priority waits high"] {
        session
            .types(submit, &format!("hai-cli {line} --json"))
            .await?;
    }
    let lines = session.types("`logs`", "hai-cli logs 1 --json").await?;
    ensure!(lines[0]["text"] == "begun", "{lines:?}");
    let shown = session.types("`nodes`", "hai-cli nodes --json").await?;
    let nodes = shown[0]["nodes"].as_array().context("no nodes")?;
    let held = nodes.iter().find(|node| !node["task"].is_null());
    let held = held.and_then(|node| node["name"].as_str());
    let held = held.context("no node has the task that runs")?;
    let line = format!("hai-cli node task-at {held} --json");
    session.types("`node task-at`", &line).await?;
    for (row, line) in [
        ("`explain`", "explain waits"),
        (r"`node disable\|enable`", "node disable node-1 --why fan"),
        (r"`node disable\|enable`", "node enable node-1"),
        ("`node history`", "node history node-1"),
        ("`list`", "list"),
        ("`search`", "search begun 1"),
        (one, "suspend long.sh"),
        (one, "resume long.sh"),
        (one, "stop waits"),
        ("`describe`", "describe 1"),
        ("`describe`", "describe waits"),
    ] {
        session
            .types(row, &format!("hai-cli {line} --json"))
            .await?;
    }
    let change = r"`user activate\|deactivate`, `user groups`";
    let set = "`quota set`, `quota remove`";
    let token = "`token create`, `token rotate`";
    for (row, line) in [
        ("`user create`", "user create bob --group ops"),
        ("`user list`", "user list"),
        (change, "user deactivate bob"),
        (change, "user activate bob"),
        (change, "user groups bob task_admin"),
        ("`quota`, `quota show`", "quota"),
        ("`quota`, `quota show`", "quota show bob"),
        (set, "quota set admin node-training-LOW 1 --until 7d"),
        (set, "quota set bob jupyter:training 2 --memory 8 --cpus 2"),
        ("`quota`, `quota show`", "quota show bob -g training"),
        (set, "quota remove bob jupyter:training"),
        ("`quota set-mine`", "quota set-mine training HIGH 5"),
        ("`quota log`", "quota log"),
        (
            "`quota simulate`",
            "quota simulate admin node-training-HIGH 0",
        ),
        (token, "token create --holder bob --name week"),
        (token, "token rotate 3"),
        ("`token list`", "token list"),
        ("`token session`", "token session --name browser"),
        ("`token revoke`", "token revoke 3"),
    ] {
        session
            .types(row, &format!("hai-cli {line} --json"))
            .await?;
    }
    let orders = session
        .types(several, "hai-cli stop long.sh nobody --json 2>/dev/null")
        .await?;
    ensure!(orders.len() == 2 && orders[0]["error"].is_null() && orders[1]["task"].is_null());
    Ok(())
}

#[test]
fn a_field_too_many_or_too_few_is_found() {
    let page = Page {
        text: "| `x` | `{a, b?, c[{d Named}]}` |".to_owned(),
        named: BTreeMap::from([("Named".to_owned(), Reader("{e}").shape().unwrap())]),
    };
    let shape = page.row("`x`").unwrap();
    let check = |value: &str| {
        let checked = page.check(&serde_json::from_str(value).unwrap(), &shape, "it");
        checked.map_err(|error| error.to_string())
    };
    assert_eq!(
        check(r#"{"a": 1, "c": [{"d": {"e": 2}}, {"d": null}]}"#),
        Ok(())
    );
    let missing = check(r#"{"a": 1, "c": [{"d": {}}]}"#);
    assert_eq!(missing, Err("it.c[].d has no e".to_owned()));
    let unknown = check(r#"{"a": 1, "b": 2, "c": [], "f": 3}"#);
    assert_eq!(unknown, Err("README.md does not tell of it.f".to_owned()));
    assert!(
        check(r#"{"a": 1, "c": {}}"#)
            .unwrap_err()
            .starts_with("it.c is no List")
    );
}
