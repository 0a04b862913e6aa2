// graphql-ws and graphql-sse, as they are on npm, against a real server. `cargo xtask test` runs this.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { HALF, Server } from './server.mjs';

// Installed outside of the repository.
const installed = createRequire(process.env.HAI_NODE_MODULES);
const sse = installed('graphql-sse');
const ws = installed('graphql-ws');
const WebSocket = installed('ws');

const STATES = 'subscription ($id: ID!) { taskChanged(id: $id) { state outcome } }';
const LOG = `subscription ($id: ID!, $after: String) {
  taskLogAppended(id: $id, after: $after) { items { text partial cursor } ended } }`;
const PATIENCE = { timeout: 120_000 };

let server;
let id;

before(async () => {
  server = await Server.start();
  id = await server.submit();
}, PATIENCE);

after(async () => server?.end(), PATIENCE);

/// One client of each kind: how it is made, and how its connection is cut.
const KINDS = {
  'graphql-ws': () => {
    const client = ws.createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${server.token}` },
      retryAttempts: 0,
    });
    return { iterate: (payload) => client.iterate(payload), cut: () => client.terminate() };
  },
  'graphql-sse': () => {
    const client = sse.createClient({
      url: `${server.url}/graphql`,
      headers: { Authorization: `Bearer ${server.token}` },
      retryAttempts: 0,
    });
    return { iterate: (payload) => client.iterate(payload), cut: () => client.dispose() };
  },
};

/// Numbers that look random and are the same every time.
function* seeded(seed) {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/// A log that is read over many connections.
class Reader {
  lines = [];
  ended = false;
  nCuts = 0;
  #after = null;
  #begun = '';
  #random;

  constructor(connect, seed) {
    this.connect = connect;
    this.#random = seeded(seed);
  }

  /// Reads at least until there are so many lines, or the end; each connection is cut after some items.
  async read(wanted) {
    while (!this.ended && this.lines.length < wanted) {
      const client = this.connect();
      let rest = 1 + Math.floor(this.#random.next().value * 40);
      const variables = { id, after: this.#after };
      for await (const { data, errors } of client.iterate({ query: LOG, variables })) {
        assert.equal(errors, undefined);
        const { items, ended } = data.taskLogAppended;
        const taken = items.slice(0, rest);
        taken.forEach((item) => this.#take(item));
        rest -= taken.length;
        this.ended = ended && taken.length === items.length;
        if (rest === 0 || this.lines.length >= wanted) break;
      }
      client.cut();
      this.nCuts += 1;
    }
  }

  #take({ text, partial, cursor }) {
    this.#begun += text;
    this.#after = cursor;
    if (!partial) {
      this.lines.push(this.#begun);
      this.#begun = '';
    }
  }
}

for (const [name, connect] of Object.entries(KINDS)) {
  test(`${name} gets one result of a query`, PATIENCE, async () => {
    const results = [];
    const client = connect();
    for await (const result of client.iterate({ query: '{ me { name } }' })) results.push(result);
    assert.deepEqual(results, [{ data: { me: { name: 'admin' } } }]);
    client.cut();
  });

  test(`${name} is told what is wrong`, PATIENCE, async () => {
    const client = connect();
    let code;
    try {
      for await (const { errors } of client.iterate({ query: '{ unknown }' })) {
        code = errors[0].extensions.code;
      }
    } catch (errors) {
      // What graphql-ws makes of an `error` message.
      code = errors[0]?.extensions.code;
    }
    assert.equal(code, 'INVALID_INPUT');
    client.cut();
  });
}

test('graphql-ws learns that its token is not accepted', PATIENCE, async () => {
  const client = ws.createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: 'Bearer ACCESS-0000' },
    retryAttempts: 0,
  });
  await assert.rejects(client.iterate({ query: '{ me { name } }' }).next(), { code: 4403 });
});

test('a task is followed to its end over cut connections and a killed server', PATIENCE, async () => {
  const readers = Object.values(KINDS).map((connect, seed) => new Reader(connect, seed + 1));
  await Promise.all(readers.map((reader) => reader.read(HALF)));
  await server.kill();
  await server.again();
  server.open();
  await Promise.all(readers.map((reader) => reader.read(Infinity)));
  const expected = Array.from({ length: 2 * HALF }, (_, n) => `line ${n}`);
  for (const reader of readers) {
    assert.deepEqual(reader.lines, expected);
    assert.ok(reader.nCuts > 20, `${reader.nCuts} cuts`);
  }
  for (const connect of Object.values(KINDS)) {
    const client = connect();
    let last;
    for await (const { data } of client.iterate({ query: STATES, variables: { id } })) {
      last = data.taskChanged;
    }
    assert.deepEqual(last, { state: 'FINISHED', outcome: 'SUCCEEDED' });
    client.cut();
  }
});
