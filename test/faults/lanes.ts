// Which figure runs when. What measures milliseconds runs alone; what mostly waits (for leases, retries, timeouts) runs beside
// others.
import type { Cluster } from './cluster';
import type { Figure, Profile } from './figure';
import { checkInvariants } from './invariants/index';
import { watchJobs } from './invariants/mails';
import type { Machine } from './machine';
import { row, say, seconds, type Row } from './report';
import { Seeded } from './seeded';
import { inParallel, within } from './time';
import { World } from './world';

export interface Options {
  cluster: Cluster;
  machine: Machine;
  template: string;
  seed: string;
  quick: boolean;
}

/** Figures side by side, on as few as two cores. */
const SIDE_BY_SIDE = 5;
const CHECK_PATIENCE_MS = 120_000;

/**
 * First those that have a part that runs alone, in the order of their turns: a figure that stops PostgreSQL under the others has
 * the first turn, one that leaves something broken until its second part the last. Then all side by side.
 * @returns the rows of all, in the order of the figures
 */
export async function runAll(figures: Figure<unknown>[], options: Options) {
  const attempts = figures.map((figure) => new Attempt(figure, options));
  const alone = attempts.filter(({ figure }) => figure.alone).sort((a, b) => a.figure.turn! - b.figure.turn!);
  for (const attempt of alone) await attempt.runAlone();
  // The longest first, so that none of them is left over at the end.
  const order = attempts.filter(({ isOver }) => !isOver).sort((a, b) => b.limitSeconds - a.limitSeconds);
  await inParallel(order, SIDE_BY_SIDE, (attempt) => attempt.runBesideOthers());
  return attempts.flatMap(({ rows }) => rows);
}

class Attempt {
  readonly rows: (Row & { figure: string })[] = [];
  isOver = false;
  readonly limitSeconds: number;
  private world?: World;
  private state: unknown;
  private stopWatching?: () => void;

  constructor(
    readonly figure: Figure<unknown>,
    private readonly options: Options,
  ) {
    this.limitSeconds = figure.limitSeconds[options.quick ? 'quick' : 'full'];
  }

  async runAlone() {
    await this.guarded(async () => {
      const world = await this.openWorld();
      this.state = await this.figure.alone!(world, this.profileOf(world));
    });
  }

  async runBesideOthers() {
    const begin = seconds();
    await this.guarded(async () => {
      const world = this.world ?? (await this.openWorld());
      this.add(await this.figure.run(world, this.profileOf(world), this.state));
    });
    await this.finish();
    say(`${this.figure.id}: ended after ${Math.round(seconds() - begin)} s`);
  }

  private profileOf({ random }: World): Profile {
    const { quick, machine } = this.options;
    return { quick, machine, random, say: (text) => say(`${this.figure.id}: ${text}`) };
  }

  private async openWorld() {
    const { figure, options } = this;
    say(`${figure.id}: ${figure.title}`);
    const random = new Seeded(options.seed, figure.id);
    const name = figure.id.toLowerCase();
    this.world = await World.open({ ...options, name, random });
    this.stopWatching = watchJobs(this.world);
    return this.world;
  }

  /** A figure that breaks has failed; the others go on. */
  private async guarded(work: () => Promise<void>) {
    if (this.isOver) return;
    try {
      await within(this.limitSeconds * 1000, this.figure.id, work);
    } catch (error) {
      const { message, stack } = error as Error;
      say(`${this.figure.id}: ${stack}`);
      this.add([row(this.figure.title, '–', `failed: ${message}`, 'a result', false)]);
      this.isOver = true;
      await this.close();
    }
  }

  private async finish() {
    if (this.isOver) return;
    this.isOver = true;
    this.add([await this.invariantsRow(this.world!)]);
    await this.close();
  }

  private async invariantsRow(world: World) {
    try {
      const { counts, violations } = await within(CHECK_PATIENCE_MS, 'checking', () =>
        checkInvariants(world),
      );
      const ok = violations.length === 0;
      const result = ok ? 'none violated' : violations.join('; ');
      return row(`invariants (${counts.join(', ')})`, counts.length, result, 'none violated', ok);
    } catch (error) {
      return row('invariants', '–', `failed: ${(error as Error).message}`, 'none violated', false);
    }
  }

  private add(rows: Row[]) {
    for (const one of rows) {
      this.rows.push({ figure: this.figure.id, ...one });
      say(`${this.figure.id}: ${one.ok ? 'ok' : 'NOT OK'}: ${one.what}: ${one.result}`);
    }
  }

  private async close() {
    this.stopWatching?.();
    await this.world?.close().catch((error: Error) => say(`${this.figure.id}: ${error.message}`));
  }
}
