// The table, and the JSON behind it.
import { cpus, loadavg, totalmem } from 'node:os';
import { quantile } from '../test/faults/time';
import type { Figure } from './figures';
import type { Measured } from './stand';

/** A figure of one program, of all rounds. */
export interface Result {
  figure: string;
  title: string;
  program: string;
  unit: string;
  /** The median of each number. */
  median: Measured;
  rounds: Measured[];
}

export function resultOf({ name, title, unit }: Figure, program: string, rounds: Measured[]): Result {
  const names = Object.keys(rounds[0]!);
  const middle = (key: string) =>
    quantile(
      rounds.map((round) => round[key]!),
      0.5,
    );
  const median = Object.fromEntries(names.map((key) => [key, middle(key)])) as Measured;
  return { figure: name, title, unit, program, median, rounds };
}

export function describeMachine() {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: loadavg()[0]!,
  };
}

/** Numbers that only some figures have. */
const MORE: Record<string, (value: number) => string> = {
  mailsPerSecond: (value) => (value > 0 ? `${short(value)} mails/s alongside` : ''),
  shareOfRaw: (value) => `${Math.round(value * 100)} % of raw bcrypt`,
  settledPerSecond: (value) => `${short(value)} requests settled/s`,
  idleMiB: (value) => `${Math.round(value)} MiB idle`,
};

/** In Markdown. @param first the program that the others are compared with */
export function table(results: Result[], first: string): string {
  const rows = results.map((result) => {
    const { title, program, unit, median } = result;
    const own = results.find(({ figure, program }) => figure === result.figure && program === first);
    const ratio = own && program !== first ? own.median.value / median.value : NaN;
    const more = Object.entries(MORE).map(([name, text]) => (name in median ? text(median[name]!) : ''));
    return [
      title,
      program,
      Number.isFinite(median.value) ? `${short(median.value)} ${unit}` : 'not within the patience',
      Number.isFinite(ratio) ? short(ratio) : '',
      pair(median.p50, median.p99, ' / '),
      pair(median.cpuMs, median.databaseMs, ' / '),
      pair(median.statements, median.control, ' + '),
      median.peakMiB === undefined ? '' : String(Math.round(median.peakMiB)),
      more.filter(Boolean).join(', '),
    ];
  });
  const head = [
    'Figure',
    'Program',
    'Result',
    `${first} / it`,
    'p50 / p99, ms',
    'CPU ms an act: its own / PostgreSQL',
    'Statements an act + BEGIN, COMMIT',
    'Peak MiB',
    'Also',
  ];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function pair(one: number | undefined, other: number | undefined, between: string): string {
  return one === undefined || other === undefined ? '' : `${short(one)}${between}${short(other)}`;
}

/** Three significant digits at least. */
function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
