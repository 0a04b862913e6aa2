// A real server with one task, to be killed and started again. `HAI_PLATFORM` is the program.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/// How many lines the task prints before and after its gate.
export const HALF = 600;

export class Server {
  #dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'hai-foreign-')));
  #process = null;
  #gate = null;
  #id = null;
  url = '';
  token = '';

  /// A server that is up.
  static async start() {
    const server = new Server();
    fs.chmodSync(server.#dir, 0o755);
    fs.mkdirSync(server.#code());
    await server.again();
    return server;
  }

  /// Starts it again on the same data, at another address.
  async again() {
    const words = ['up', '--listen', '127.0.0.1:0', '--data-dir', join(this.#dir, 'platform')];
    this.#process = spawn(process.env.HAI_PLATFORM, words, {
      cwd: this.#code(),
      env: { HOME: this.#code(), PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: this.#process.stdout })) {
      this.url = line.match(/ is up at (\S+)/)?.[1] ?? this.url;
      this.token = line.match(/ACCESS-\S+/)?.[0] ?? this.token;
      if (line.startsWith('Ctrl-C')) {
        this.#process.stdout.resume();
        return;
      }
    }
    throw new Error('the server has ended');
  }

  /// Kills it. What it has started lives on.
  async kill() {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  /// Submits a task that prints, waits at its gate and prints again.
  async submit() {
    const gate = join(this.#code(), 'gate');
    execFileSync('mkfifo', ['-m', '666', gate]);
    // Both of its ends, so that neither side blocks in opening it.
    this.#gate = fs.openSync(gate, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const script = `i=0
      while [ $i -lt ${HALF} ]; do echo "line $i"; i=$((i+1)); done
      read -r go < ${gate}
      while [ $i -lt ${2 * HALF} ]; do echo "line $i"; i=$((i+1)); done`;
    fs.writeFileSync(join(this.#code(), 'print.sh'), script);
    const input = {
      name: 'print',
      spec: { workspace: this.#code(), entrypoint: 'print.sh' },
      resource: { nodeCount: 1 },
    };
    const query = 'mutation ($input: TaskInput!) { submitTask(input: $input) { id } }';
    const { submitTask } = await this.ask(query, { input });
    this.#id = submitTask.id;
    return submitTask.id;
  }

  /// Lets the task go on.
  open() {
    fs.writeSync(this.#gate, 'go\n');
  }

  /// The data of a query or mutation.
  async ask(query, variables) {
    const { data, errors } = await (await this.#post('application/json', query, variables)).json();
    assert.equal(errors, undefined);
    return data;
  }

  /// Nothing of it is left, also if a test has failed while the task waited.
  async end() {
    this.open();
    const end = 'subscription ($id: ID!) { taskChanged(id: $id) { state } }';
    await (await this.#post('text/event-stream', end, { id: this.#id })).text();
    await this.kill();
    fs.rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }

  #post(accept, query, variables) {
    return fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: {
        accept,
        authorization: `Bearer ${this.token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ query, variables }),
    });
  }

  #code() {
    return join(this.#dir, 'code');
  }
}
