// What a figure works in: a database of its own, a mail server, servers, accounts; and a record of what was answered.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Cluster } from './cluster';
import { Redis } from './redis';
import { CANARY } from './secret-search';
import type { Seeded } from './seeded';
import { Server, type Answer, type Settings } from './server';
import { Sink } from './sink';
import { mustBe, until } from './time';
import { Wire } from './wire';

export const PASSWORD = `${CANARY} of the old days`;
export const SECRET_KEY = 'Yw3kq9Zr7Lm2Tx8Vb5Nc1Hd6Jf4Gs0Pq';
/** Jobs that are not done: done and dead ones are kept in the same table for a while. */
const OPEN_JOBS = `SELECT count(*)::int AS n FROM latchkey.jobs WHERE state <> 'dead'`;
/** Longer than events wait to be written together. */
const RECORDED_MS = 1500;

export interface Confirmation {
  email: string;
  token: string;
  password: string;
  status?: number;
}

interface ServerParts {
  wire?: Wire;
  sink?: Sink;
  preload?: string;
}

export interface WorldOptions {
  cluster: Cluster;
  template: string;
  name: string;
  random: Seeded;
}

export class World {
  readonly servers: Server[] = [];
  private readonly wires: Wire[] = [];
  private readonly sinks: Sink[] = [];
  private readonly stores: Redis[] = [];
  /** By address: how many requests for a link were answered with 202. */
  readonly requested = new Map<string, number>();
  /** Every try to confirm, with what came of it. */
  confirmations: Confirmation[] = [];
  /** By address: what is the password, where somebody has changed it after a reset. */
  readonly laterPasswords = new Map<string, string>();
  /** By address: access tokens from before a reset. */
  sessions = new Map<string, string[]>();
  readonly stuckJobs = new Set<string>();
  inspectionsForStuckJobs = 0;
  private seeded = 0;
  used = 0;

  private constructor(
    readonly cluster: Cluster,
    readonly name: string,
    readonly random: Seeded,
    /** Not the project's folder, whose .env is somebody's. */
    readonly folder: string,
    readonly database: pg.Pool,
    readonly sink: Sink,
  ) {
    this.sinks.push(sink);
    // A figure may stop PostgreSQL under it.
    database.on('error', () => undefined);
  }

  static async open({ cluster, name, random, template }: WorldOptions) {
    const folder = mkdtempSync(join(cluster.folder, 'world-'));
    await cluster.administer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    const database = new pg.Pool({ connectionString: cluster.url(name), max: 3 });
    return new World(cluster, name, random, folder, database, await new Sink().start());
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

  /** A server that is not started yet. */
  addServer(env: Settings = {}, { wire, sink = this.sink, preload }: ServerParts = {}) {
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
      LIMIT_PER_HOUR: '0',
      MAILS_PER_HOUR: '0',
      RESET_COOLDOWN: '0',
      SHUTDOWN_DELAY: '1',
      TRUST_PROXY: '1',
    };
    const server = new Server({ env: { ...settings, ...env }, cwd: this.folder, preload, wire });
    this.servers.push(server);
    return server;
  }

  async startServer(env?: Settings, parts?: ServerParts) {
    const server = this.addServer(env, parts);
    await server.start();
    return server;
  }

  /** Makes accounts, which share one hash: making hashes is not what is measured. */
  async seed(count: number) {
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

  nextEmails(count: number) {
    return Array.from({ length: count }, () => this.nextEmail());
  }

  newPassword() {
    return `${CANARY} ${Math.floor(this.random.next() * 1e12)}`;
  }

  async requestReset(server: Server, email: string, patienceMs?: number) {
    const answer = await server.api.requestReset(email, { patienceMs });
    if (answer.status === 202) this.requested.set(email, (this.requested.get(email) ?? 0) + 1);
    return answer;
  }

  async confirm(
    server: Server,
    email: string,
    token: string,
    password = this.newPassword(),
    patienceMs?: number,
  ) {
    const answer = await server.api.confirm(token, password, { patienceMs });
    this.confirmations.push({ email, token, password, status: answer.status });
    return answer;
  }

  async login(server: Server, email: string, password = PASSWORD, patienceMs?: number) {
    const answer: Answer & { accessToken?: string } = await server.api.login(email, password, { patienceMs });
    if (answer.status !== 200) return answer;
    const { accessToken } = JSON.parse(answer.text) as { accessToken: string };
    this.sessions.set(email, [...(this.sessions.get(email) ?? []), accessToken]);
    return { ...answer, accessToken };
  }

  /** Requests a link for each address, and takes it out of its mail. */
  async linksFor(server: Server, emails: string[]): Promise<{ email: string; token: string }[]> {
    for (const email of emails) await this.requestReset(server, email);
    await mustBe(() => emails.every((email) => this.mailsTo(email).length > 0), 'mails', 180_000);
    return emails.map((email) => ({ email, token: this.tokenTo(email) }));
  }

  /** The token of the first link that was mailed to an address. */
  tokenTo(email: string): string {
    return this.mailsTo(email)[0]!.token!;
  }

  /** What the mail servers of this world have taken. */
  get messages() {
    return this.sinks.length === 1 ? this.sink.messages : this.sinks.flatMap(({ messages }) => messages);
  }

  mailsTo(email: string, kind = 'reset') {
    return this.messages.filter((message) => message.to === email && message.kind === kind);
  }

  async count(sql: string, values: unknown[] = []) {
    const { rows } = await this.database.query<{ n: number }>(sql, values);
    return rows[0]!.n;
  }

  /** How many mails have an event of this act. */
  countMailsWith(act: string) {
    const sql = `SELECT count(DISTINCT details->>'mailId')::int AS n FROM latchkey.audit_events WHERE act = $1`;
    return this.count(sql, [act]);
  }

  openJobs() {
    return this.count(OPEN_JOBS);
  }

  /** Waits until every job is done or dead, and its events are written. @returns ms; `undefined` where some are left */
  async settle(patienceMs: number) {
    const ms = await until(async () => (await this.openJobs()) === 0, patienceMs, 200);
    await until(() => false, RECORDED_MS);
    return ms;
  }

  /** A server that answers requests; one is started where none is left. */
  async anyServer() {
    const isWeb = ({ alive, options }: Server) => alive && options.env.ROLE !== 'worker' && !options.wire;
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
