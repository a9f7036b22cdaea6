import { spawnSync } from 'node:child_process';
import { createServer, Server, Socket } from 'node:net';

/** The Redis of the machine, where there is one: a database of it for each worker. */
export const redisUrl = databaseOfWorker(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');

function databaseOfWorker(server: string): string {
  const url = new URL(server);
  url.pathname = `/${process.env['JEST_WORKER_ID'] ?? 0}`;
  return url.href;
}

/** `describe` for what needs Redis; skipped, with a name that says so, where none answers. */
export const describeWithRedis = answers() ? describe : skipped();

function skipped(): (name: string, specs: () => void) => void {
  return (name, specs) => describe.skip(`${name} (skipped: no Redis answers at ${redisUrl})`, specs);
}

/** Asked in a process of its own, as specs are chosen before anything can be awaited. */
function answers(): boolean {
  const { hostname, port } = new URL(redisUrl);
  const script = `require('node:net').connect(${Number(port || 6379)}, ${JSON.stringify(hostname)})
    .on('connect', () => process.exit(0)).on('error', () => process.exit(1)).setTimeout(1000, () => process.exit(1))`;
  return spawnSync(process.execPath, ['-e', script]).status === 0;
}

/** Stands between a client and a server, and can be cut, or fall silent. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private readonly silenced = new WeakSet<Socket>();
  private port = 0;

  /**
   * @param target `scheme://host:port/...` of the server
   * @param silent whether nothing comes through at all
   */
  constructor(
    private readonly target: string,
    private readonly options: { silent?: boolean } = {},
  ) {
    this.server = createServer((socket) => this.join(socket));
  }

  /** @returns the address of the server's end that clients are to use */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    ({ port: this.port } = this.server.address() as { port: number });
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  /** Connections break, and new ones are refused until the next start. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  /** The connections of now stay, and nothing comes through any more, as when a machine has vanished. */
  silence(): void {
    this.sockets.forEach((socket) => this.silenced.add(socket));
  }

  private join(client: Socket): void {
    const { hostname, port } = new URL(this.target);
    const server = new Socket().connect(Number(port || 6379), hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (data) => !this.options.silent && !this.silenced.has(from) && to.write(data));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }
}
