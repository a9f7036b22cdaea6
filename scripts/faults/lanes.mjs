// Who runs when. What measures milliseconds runs alone; what mostly waits (for leases, retries, time-outs) runs beside others.
import { checkInvariants } from './invariants/index.mjs';
import { watchJobs } from './invariants/mails.mjs';
import { row, say } from './report.mjs';
import { Seeded } from './seeded.mjs';
import { inParallel, within } from './time.mjs';
import { World } from './world.mjs';

/** Figures side by side, on as few as two cores. */
const SIDE_BY_SIDE = 5;
const CHECK_PATIENCE_MS = 120_000;

/**
 * A figure is `{ id, title, limitSeconds: { quick, full }, turn?, alone?, run }`: `alone` measures while nothing else runs, in
 * the order of the turns; what it returns is handed to `run`, which goes on beside others and gives the rows. Who stops
 * PostgreSQL under the others has the first turn, who leaves something broken until then the last.
 * @returns the rows of all, in the order of the figures
 */
export async function runAll(figures, options) {
  const attempts = figures.map((figure) => new Attempt(figure, options));
  const alone = attempts.filter(({ figure }) => figure.alone).sort((a, b) => a.figure.turn - b.figure.turn);
  for (const attempt of alone) await attempt.runAlone();
  // The longest first, so that none of them is left over at the end.
  const order = attempts.filter(({ isOver }) => !isOver).sort((a, b) => b.limitSeconds - a.limitSeconds);
  await inParallel(order, SIDE_BY_SIDE, (attempt) => attempt.runBesideOthers());
  return attempts.flatMap(({ rows }) => rows);
}

class Attempt {
  rows = [];
  isOver = false;

  constructor(figure, options) {
    Object.assign(this, { figure, options });
    this.limitSeconds = figure.limitSeconds[options.quick ? 'quick' : 'full'];
  }

  async runAlone() {
    await this.guarded(async () => {
      this.state = await this.figure.alone(await this.openWorld(), this.profile);
    });
  }

  async runBesideOthers() {
    await this.guarded(async () => {
      const world = this.world ?? (await this.openWorld());
      this.result = await this.figure.run(world, this.profile, this.state);
    });
    await this.finish();
  }

  get profile() {
    const { quick } = this.options;
    return { quick, say: (text) => say(`${this.figure.id}: ${text}`), random: this.world.random };
  }

  async openWorld() {
    const { figure, options } = this;
    say(`${figure.id}: ${figure.title}`);
    const random = new Seeded(options.seed, figure.id);
    const name = figure.id.toLowerCase();
    this.world = await World.open({ ...options, name, random });
    this.stopWatching = watchJobs(this.world);
    return this.world;
  }

  /** A figure that breaks has failed; the others go on. */
  async guarded(work) {
    if (this.isOver) return;
    try {
      await within(this.limitSeconds * 1000, this.figure.id, work);
    } catch (error) {
      say(`${this.figure.id}: ${error.stack}`);
      this.add([row(this.figure.title, '–', `failed: ${error.message}`, 'a result', false)]);
      this.isOver = true;
      await this.close();
    }
  }

  async finish() {
    if (this.isOver) return;
    this.isOver = true;
    this.add(this.result);
    try {
      const { counts, violations } = await within(CHECK_PATIENCE_MS, 'checking', () =>
        checkInvariants(this.world),
      );
      const result = violations.length === 0 ? 'none violated' : violations.join('; ');
      this.add([
        row(
          `invariants (${counts.join(', ')})`,
          counts.length,
          result,
          'none violated',
          violations.length === 0,
        ),
      ]);
    } catch (error) {
      this.add([row('invariants', '–', `failed: ${error.message}`, 'none violated', false)]);
    }
    await this.close();
  }

  add(rows) {
    for (const one of rows) {
      this.rows.push({ figure: this.figure.id, ...one });
      say(`${this.figure.id}: ${one.ok ? 'ok' : 'NOT OK'}: ${one.what}: ${one.result}`);
    }
  }

  async close() {
    this.stopWatching?.();
    await this.world?.close().catch((error) => say(`${this.figure.id}: ${error.message}`));
  }
}
