// What the machine adds to every time that is measured on it. A neighbor that does nothing is sent requests beside the figures:
// what these take is not the program's doing.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { RestClient } from '../support/rest-client';
import { watch } from './server';
import { delay, quantile } from './time';

const PAUSE_MS = 50;
/** A request to the program passes through more processes than one to the neighbor, and each waits for its turn. */
const TURNS = 4;

export class Machine {
  private readonly pings: { at: number; ms: number }[] = [];
  private over = false;

  private constructor(
    private readonly neighbor: ChildProcess,
    private readonly client: RestClient,
  ) {}

  static async start() {
    const neighbor = fork(__filename);
    void watch(neighbor);
    const [port] = (await once(neighbor, 'message')) as [number];
    const machine = new Machine(neighbor, new RestClient(port));
    void machine.ping();
    return machine;
  }

  /** @returns by how many milliseconds a request since then may have been late without anybody's fault */
  allowanceSince(begin: number) {
    const waits = this.pings.filter(({ at }) => at >= begin).map(({ ms }) => ms);
    return TURNS * (quantile(waits, 0.95) || 0);
  }

  stop() {
    this.over = true;
    this.neighbor.kill('SIGKILL');
  }

  private async ping() {
    while (!this.over) {
      const { ms } = await this.client.call('GET', '/');
      this.pings.push({ at: performance.now(), ms });
      await delay(PAUSE_MS);
    }
  }
}

/** The neighbor, in a process of its own. */
if (require.main === module) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}
