//! Counts in Redis: a key for each, which ends by itself.

use fred::clients::Client;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::config::Options;

use super::Script;
use crate::auth::hex;

pub(super) const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local every, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if full_at - now > room then return math.ceil(full_at - now - room) end
full_at = full_at + every
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0";

pub(super) const COUNT: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count";

pub(super) const WAIT: &str = "
if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then return 0 end
return math.max(redis.call('PTTL', KEYS[1]), 0)";

pub(super) const KEEP: &str = "redis.call('SET', KEYS[1], '', 'PX', ARGV[1]) return 1";

pub(super) const IS_KEPT: &str = "return redis.call('EXISTS', KEYS[1])";

/// The answer; none if it is not connected.
pub(super) async fn ask(
    client: &Client,
    script: &Script,
    digest: &[u8],
    numbers: &[i64],
) -> Result<Option<u64>, String> {
    // What is asked of a client that is not connected waits in it until it is.
    if !client.is_connected() {
        return Ok(None);
    }
    let at_once = Options {
        fail_fast: true,
        max_attempts: Some(1),
        ..Options::default()
    };
    let key = format!("hai:{}:{}", script.kind, hex(&digest[..16]));
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let client = client.with_options(&at_once);
    let answer = client.eval(script.redis, key, numbers).await;
    answer.map(Some).map_err(|error| error.to_string())
}
