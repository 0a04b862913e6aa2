//! Values that nobody expects.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Value, json};

/// Replaces one place of a value, at any depth, by something else.
pub(super) fn spoil(value: &mut Value, random: &mut StdRng) {
    match value {
        Value::Object(fields) if !fields.is_empty() && random.random_bool(0.9) => {
            if random.random_bool(0.05) {
                fields.insert("surplus".to_owned(), json!(1));
                return;
            }
            let nth = random.random_range(0..fields.len());
            if let Some((_, field)) = fields.iter_mut().nth(nth) {
                spoil(field, random);
            }
        }
        Value::Array(items) if !items.is_empty() && random.random_bool(0.8) => {
            let nth = random.random_range(0..items.len());
            spoil(&mut items[nth], random);
        }
        other => *other = strange(random),
    }
}

fn strange(random: &mut StdRng) -> Value {
    match random.random_range(0..6) {
        0 => number(random),
        1..=3 => json!(text(random)),
        4 => nested(random),
        _ => [
            Value::Null,
            json!(true),
            json!([]),
            json!({}),
            json!([[[null]]]),
        ]
        .choose(random)
        .cloned()
        .unwrap_or_default(),
    }
}

fn number(random: &mut StdRng) -> Value {
    const NUMBERS: [f64; 9] = [
        0.0,
        -0.0,
        -1.0,
        0.5,
        2_147_483_648.0,
        -2_147_483_649.0,
        9.3e18,
        1e308,
        5e-324,
    ];
    match random.random_range(0..4) {
        0 => json!(NUMBERS.choose(random)),
        1 => json!(u64::MAX),
        2 => json!(i64::MIN),
        _ => json!(random.next_u32() as i32),
    }
}

fn text(random: &mut StdRng) -> String {
    const TEXTS: [&str; 24] = [
        "",
        " ",
        "0",
        "-1",
        "1",
        "999999999999999999999999",
        "'; DROP TABLE task; --",
        "\" OR 1=1 --",
        "%' OR name LIKE '%",
        "%",
        "{{7*7}}",
        "${jndi:ldap://127.0.0.1/a}",
        "$(reboot)",
        "../../../../etc/passwd",
        "/etc/shadow",
        "\u{0}",
        "a\u{0}b",
        "\u{202e}evil",
        "\u{feff}",
        "🦀",
        "null",
        "MTo5OTk5OTk5OTk=",
        "task:1",
        "a: &a [*a]",
    ];
    match random.random_range(0..8) {
        0 => "x".repeat(random.random_range(1..100_000)),
        1 => "🦀é\u{301}".repeat(random.random_range(1..300)),
        2 => (0..random.random_range(1..40))
            .filter_map(|_| char::from_u32(random.random_range(0..0x11_0000)))
            .collect(),
        _ => TEXTS.choose(random).copied().unwrap_or_default().to_owned(),
    }
}

/// Lists within lists, or fields within fields.
fn nested(random: &mut StdRng) -> Value {
    let levels = random.random_range(1..100);
    let is_list = random.random_bool(0.5);
    (0..levels).fold(Value::Null, |inner, _| {
        if is_list {
            json!([inner])
        } else {
            json!({ "a": inner })
        }
    })
}
