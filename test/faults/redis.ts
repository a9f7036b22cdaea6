// A Redis of our own, where the machine has the program.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import net from 'node:net';
import { freePort } from './cluster';
import { watch } from './server';
import { mustBe } from './time';

const PROGRAM = 'redis-server';

export class Redis {
  private port = 0;
  private child!: ChildProcess;
  private ended!: Promise<unknown>;

  static get isInstalled() {
    return spawnSync(PROGRAM, ['--version'], { stdio: 'ignore' }).status === 0;
  }

  /** On the same port each time, and with nothing of the time before. */
  async start() {
    this.port ||= await freePort();
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.child = spawn(PROGRAM, args, { cwd: '/', stdio: 'ignore' });
    this.ended = watch(this.child);
    await mustBe(() => accepts(this.port), 'Redis', 10_000);
    return this;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** It is there, and says nothing. */
  pause() {
    this.child.kill('SIGSTOP');
  }

  goOn() {
    this.child.kill('SIGCONT');
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });
}
