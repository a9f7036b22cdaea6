// What a figure works in: a database of its own, a mail server, servers, accounts; and a book of what they were told.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { CANARY } from './secret-search.mjs';
import { Redis } from './redis.mjs';
import { Server } from './server.mjs';
import { Sink } from './sink.mjs';
import { mustBe, until } from './time.mjs';
import { Wire } from './wire.mjs';

export const PASSWORD = `${CANARY} of the old days`;
export const SECRET_KEY = 'Yw3kq9Zr7Lm2Tx8Vb5Nc1Hd6Jf4Gs0Pq';
/** Jobs that are not done: pg-boss keeps done and dead ones in the same table. */
const OPEN_JOBS = `SELECT count(*)::int AS n FROM latchkey_jobs.job WHERE state < 'completed' AND name NOT LIKE '\\_\\_%'`;
/** Longer than events wait to be written together. */
const RECORDED_MS = 1500;

export class World {
  servers = [];
  wires = [];
  sinks = [];
  stores = [];
  /** By address: how many asks were answered with 202. */
  asked = new Map();
  /** Every try to confirm, with what came of it. */
  confirmations = [];
  /** By address: what is the password, where somebody has changed it after a reset. */
  laterPasswords = new Map();
  /** By address: access tokens from before a reset. */
  sessions = new Map();
  seeded = 0;
  used = 0;

  static async open({ cluster, name, random, say, template }) {
    const world = Object.assign(new World(), { cluster, name, random, say });
    // Not the project's folder, whose .env is somebody's.
    world.folder = mkdtempSync(join(cluster.folder, 'world-'));
    await cluster.administer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    world.database = new pg.Pool({ connectionString: cluster.url(name), max: 3 });
    // A figure may stop PostgreSQL under it.
    world.database.on('error', () => undefined);
    world.sink = await world.addSink();
    return world;
  }

  async addSink() {
    const sink = await new Sink().start();
    this.sinks.push(sink);
    return sink;
  }

  async addWire() {
    const wire = await new Wire(this.cluster.port).start();
    this.wires.push(wire);
    return wire;
  }

  async addRedis() {
    const redis = await new Redis().start();
    this.stores.push(redis);
    return redis;
  }

  /** A server that is not started yet. @param options.wire what it reaches the database through */
  addServer(env = {}, { wire, sink = this.sink, preload } = {}) {
    const url = new URL(this.cluster.url(this.name));
    if (wire) url.port = String(wire.port);
    const settings = {
      DATABASE_URL: url.href,
      MAIL_SERVER: '127.0.0.1',
      MAIL_PORT: String(sink.port),
      SECRET_KEY,
      PUBLIC_URL: 'http://localhost:3000',
      API_DOCS: 'off',
      BCRYPT_COST: '4',
      LIMIT_PER_MINUTE: '0',
      MAILS_PER_HOUR: '0',
      RESET_COOLDOWN: '0',
      SHUTDOWN_DELAY: '1',
      TRUST_PROXY: '1',
    };
    const server = new Server({ env: { ...settings, ...env }, cwd: this.folder, preload, wire });
    this.servers.push(server);
    return server;
  }

  async startServer(env, options) {
    const server = this.addServer(env, options);
    await server.start();
    return server;
  }

  /** Makes accounts, which share one hash: making hashes is not what is measured. */
  async seed(count) {
    await this.database.query(
      `INSERT INTO latchkey.users (id, email, email_key, username, password_hash, created_at)
       SELECT gen_random_uuid(), mail, mail, 'Susan', (SELECT password_hash FROM latchkey.users WHERE email = 'first@example.com'), now()
       FROM generate_series($1::int, $2::int) n, concat('a', n, '@', $3::text, '.example.com') mail`,
      [this.seeded, this.seeded + count - 1, this.name],
    );
    this.seeded += count;
    await this.database.query('ANALYZE latchkey.users');
  }

  /** The address of an account that nothing has happened to. */
  nextEmail() {
    if (this.used === this.seeded) throw new Error('more accounts are needed than were made');
    return `a${this.used++}@${this.name}.example.com`;
  }

  nextEmails(count) {
    return Array.from({ length: count }, () => this.nextEmail());
  }

  newPassword() {
    return `${CANARY} ${Math.floor(this.random.next() * 1e12)}`;
  }

  async ask(server, email) {
    const answer = await server.call('POST', '/api/password-reset', { body: { email } });
    if (answer.status === 202) this.asked.set(email, (this.asked.get(email) ?? 0) + 1);
    return answer;
  }

  async confirm(server, email, token, password = this.newPassword()) {
    const answer = await server.call('POST', '/api/password-reset/confirm', { body: { token, password } });
    this.confirmations.push({ email, token, password, status: answer.status });
    return answer;
  }

  async login(server, email, password = PASSWORD, patienceMs = undefined) {
    const answer = await server.call('POST', '/api/auth/login', { body: { email, password }, patienceMs });
    if (answer.status !== 200) return answer;
    const { accessToken } = JSON.parse(answer.text);
    this.sessions.set(email, [...(this.sessions.get(email) ?? []), accessToken]);
    return { ...answer, accessToken };
  }

  /** Asks for each address, and takes the tokens out of the mails. @returns tokens by address, in order of arrival */
  async tokensFor(server, emails) {
    for (const email of emails) await this.ask(server, email);
    await mustBe(() => emails.every((email) => this.mailsTo(email).length > 0), 'mails', 180_000);
    return new Map(emails.map((email) => [email, this.mailsTo(email).map(({ token }) => token)]));
  }

  /** What the mail servers of this world have taken. */
  get messages() {
    return this.sinks.length === 1 ? this.sink.messages : this.sinks.flatMap(({ messages }) => messages);
  }

  mailsTo(email, kind = 'reset') {
    return this.messages.filter((message) => message.to === email && message.kind === kind);
  }

  async count(sql, values) {
    const { rows } = await this.database.query(sql, values);
    return rows[0].n;
  }

  openJobs() {
    return this.count(OPEN_JOBS);
  }

  /** Waits until every job is done or dead, and what happened is on record. @returns ms; `undefined` where some are left */
  async settle(patienceMs) {
    const ms = await until(async () => (await this.openJobs()) === 0, patienceMs, 200);
    await until(() => false, RECORDED_MS);
    return ms;
  }

  /** A server that answers requests; one is started where none is left. */
  async anyServer() {
    const isWeb = ({ alive, options }) => alive && options.env.ROLE !== 'worker' && !options.wire;
    return this.servers.find(isWeb) ?? (await this.startServer({ ROLE: 'web' }));
  }

  async close() {
    await Promise.all(this.servers.map((server) => server.end()));
    await Promise.all([...this.sinks, ...this.stores].map((part) => part.stop()));
    await Promise.all(this.wires.map((wire) => wire.cut()));
    await this.database.end();
    await this.cluster.administer(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`);
  }
}
