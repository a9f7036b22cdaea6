// The table at the end, and progress while it goes.

const begin = performance.now();

export type Say = (text: string) => void;

/** One line of the table. */
export interface Row {
  what: string;
  n: number | string;
  result: string;
  expected: string;
  ok: boolean;
  /** `promise` holds on any machine. `time` depends on the machine, so its bound does too. */
  kind: 'promise' | 'time';
}

/** Progress, for those who wait. */
export function say(text: string) {
  process.stderr.write(`[${seconds().toFixed(1).padStart(6)} s] ${text}\n`);
}

export function seconds() {
  return (performance.now() - begin) / 1000;
}

/** What must hold on any machine. */
export function row(what: string, n: Row['n'], result: string, expected: string, ok: boolean): Row {
  return { what, n, result, expected, ok, kind: 'promise' };
}

/** What was measured on a machine that others use too. */
export function timeRow(what: string, n: Row['n'], result: string, expected: string, ok: boolean): Row {
  return { what, n, result, expected, ok, kind: 'time' };
}

export function milliseconds(value: number | undefined) {
  return value === undefined ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** The table in Markdown. */
export function table(rows: (Row & { figure: string })[]) {
  const cell = (value: string | number) => String(value).replaceAll('|', '\\|').replace(/\s+/g, ' ');
  return [
    '| figure | kind | what | n | result | expected | ok |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(({ figure, kind, what, n, result, expected, ok }) => {
      const cells = [figure, kind, what, n, result, expected, ok ? 'yes' : 'NO'];
      return `| ${cells.map(cell).join(' | ')} |`;
    }),
  ].join('\n');
}
