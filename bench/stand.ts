// One server under measure with a database of its own, and what it uses up.
import { RestClient } from '../test/support/rest-client';
import type { Backlog, Checkout, Server } from './checkout';
import type { Cluster } from './cluster';
import type { Load, LoadResult } from './driver';
import type { Helper } from './helper';
import { cpuMs, memoryOf } from './proc';
import type { RawHashes } from './raw-hash';
import type { SinkRequest } from './sink';

/** How long and how much. */
export interface Size {
  /** Of one measurement, and of the load before it, for which caches and the compiler are cold. */
  seconds: number;
  warmUpSeconds: number;
  /** Mails before a drain is measured, for the same reason. */
  warmUpMails: number;
  /** Measurements of each figure; the median counts. */
  rounds: number;
  users: number;
  /** Jobs of the long backlog, and of the flood. */
  backlog: number;
  flood: number;
  /** Seconds to wait for what a flood delays. */
  patience: number;
}

/** What all figures work with. */
export interface Bench {
  size: Size;
  cluster: Cluster;
  driver: Helper<Load, LoadResult>;
  rawHash: Helper<RawHashes, number>;
  sink: Helper<SinkRequest, number | boolean | string[]>;
}

/** What acts have cost, summed up. */
export interface Usage {
  cpuMs: number;
  databaseMs: number;
  statements: number;
  control: number;
}

/** A measurement: numbers by name. `value` is the figure itself. */
export type Measured = { value: number } & Record<string, number>;

type Request = Omit<Load, 'origin' | 'first' | 'seconds'>;

export type Role = 'all' | 'web' | 'worker';

export class Stand {
  server!: Server;
  api!: RestClient;

  private constructor(
    private readonly bench: Bench,
    private readonly checkout: Checkout,
    private readonly database: string,
  ) {}

  /** Opens one, and closes it whatever happens. */
  static async use(
    bench: Bench,
    checkout: Checkout,
    role: Role,
    work: (stand: Stand) => Promise<Measured>,
    backlog?: Backlog,
  ): Promise<Measured> {
    const stand = new Stand(bench, checkout, await checkout.createDatabase(backlog));
    await bench.sink.call({ ask: 'reset' });
    await stand.start(role);
    try {
      return await work(stand);
    } finally {
      await stand.stop();
      await bench.cluster.drop(stand.database);
    }
  }

  private async start(role: Role): Promise<void> {
    this.server = await this.checkout.start(this.database, role);
    this.api = new RestClient(this.server.port);
  }

  private async stop(): Promise<void> {
    this.api.close();
    await this.server.stop();
  }

  /** Starts a new server on the same database. */
  async restart(role: Role): Promise<void> {
    await this.stop();
    await this.start(role);
  }

  /** Sends requests for a while to warm up, then measures. */
  async drive(request: Request): Promise<Measured> {
    const { driver, size, sink } = this.bench;
    const { origin } = this.server;
    const warmUp = await driver.call({ ...request, origin, first: 0, seconds: size.warmUpSeconds });
    const mails = await sink.call({ ask: 'count' });
    const before = await this.usage();
    const load = { ...request, origin, first: warmUp.answers, seconds: size.seconds };
    const result = await driver.call(load);
    const cost = this.costOf(before, await this.usage(), result.answers);
    const mailed = Number(await sink.call({ ask: 'count' })) - Number(mails);
    return { ...measuredOf(result), ...cost, mailsPerSecond: mailed / result.seconds };
  }

  async usage(): Promise<Usage> {
    const { cluster } = this.bench;
    const counted = await cluster.statementsIn(this.database);
    return { cpuMs: cpuMs(this.server.pid), databaseMs: cluster.cpuMs(), ...counted };
  }

  /** What one of so many acts has cost. */
  costOf(before: Usage, after: Usage, acts: number) {
    const share = (key: keyof Usage) => (after[key] - before[key]) / acts;
    return {
      cpuMs: share('cpuMs'),
      databaseMs: share('databaseMs'),
      statements: share('statements'),
      control: share('control'),
      peakMiB: memoryOf(this.server.pid).peak,
    };
  }

  count(sql: string): Promise<number> {
    return this.bench.cluster.query<{ n: number }>(this.database, sql).then(([row]) => row!.n);
  }
}

/** @throws Error where so much fails that it is no measurement */
export function measuredOf({ answers, seconds, p50, p99, failures }: LoadResult): Measured {
  const failed = Object.values(failures).reduce((sum, n) => sum + n, 0);
  if (failed > answers / 100) throw new Error(`of ${answers} answers: ${JSON.stringify(failures)}`);
  return { value: answers / seconds, p50, p99 };
}
