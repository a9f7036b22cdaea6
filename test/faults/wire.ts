// A wire between a server and its PostgreSQL, which can be cut, swallow everything, be slow, or break at a COMMIT.
import net, { type AddressInfo, type Socket } from 'node:net';

/** How the text of the statement stands in a message of the protocol, simple or extended: with a zero behind it. */
const COMMIT = Buffer.from('COMMIT\0');

export class Wire {
  private readonly connections = new Set<() => void>();
  /** Milliseconds that everything takes, each way; a function for one that changes. */
  delayMs: number | (() => number) = 0;
  /** Since when it has let everything through, on the clock of `performance`; `undefined` while it does not. */
  openSince: number | undefined;
  private isHoled = false;
  /** Decides about each COMMIT: `undefined` lets it pass, `before` and `after` break the connection. */
  atCommit: () => 'before' | 'after' | undefined = () => undefined;
  /** How many COMMITs were broken, by kind. */
  broken = { before: 0, after: 0 };

  port = 0;
  private server = net.createServer();

  constructor(private readonly targetPort: number) {}

  async start() {
    this.server = net.createServer((client) => this.join(client));
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    ({ port: this.port } = this.server.address() as AddressInfo);
    this.openSince = performance.now();
    return this;
  }

  /** Whether nothing comes through, in both directions, and nobody is told. */
  get holed() {
    return this.isHoled;
  }

  set holed(holed: boolean) {
    this.isHoled = holed;
    this.openSince = holed ? undefined : performance.now();
  }

  /** Connections break, and new ones are refused until the next start. */
  async cut() {
    this.openSince = undefined;
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const end of this.connections) end();
    await closed;
  }

  private join(client: Socket) {
    const target = net.connect(this.targetPort, '127.0.0.1');
    const state = { swallow: false };
    const end = () => {
      this.connections.delete(end);
      client.destroy();
      target.destroy();
    };
    this.connections.add(end);
    for (const socket of [client, target]) socket.setNoDelay(true).on('error', end).on('close', end);
    this.pass(client, target, (chunk) => this.letPass(chunk, state, end));
    this.pass(target, client, () => {
      if (state.swallow) end();
      return !state.swallow;
    });
  }

  private pass(from: Socket, to: Socket, check: (chunk: Buffer) => boolean) {
    let last: Promise<unknown> = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      if (this.holed || !check(chunk)) return;
      const ms = typeof this.delayMs === 'function' ? this.delayMs() : this.delayMs;
      if (!ms) return void last.then(() => this.write(to, chunk));
      // Each waits its time from its arrival, and none overtakes another.
      const arrived = new Promise((resolve) => setTimeout(resolve, ms));
      last = Promise.all([last, arrived]).then(() => this.write(to, chunk));
    });
  }

  private write(to: Socket, chunk: Buffer) {
    if (!this.holed && to.writable) to.write(chunk);
  }

  /** Breaks the connection at a COMMIT: before PostgreSQL has it, or before anybody hears what became of it. */
  private letPass(chunk: Buffer, state: { swallow: boolean }, end: () => void) {
    if (!chunk.includes(COMMIT)) return true;
    const how = this.atCommit();
    if (!how) return true;
    this.broken[how]++;
    if (how === 'before') end();
    else state.swallow = true;
    return how === 'after';
  }
}
