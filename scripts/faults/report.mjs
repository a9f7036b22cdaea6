// The table at the end, and progress while it goes.

const begin = performance.now();

/** Progress, for whoever waits. */
export function say(text) {
  process.stderr.write(`[${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
}

export function seconds() {
  return (performance.now() - begin) / 1000;
}

/** One line of the table. */
export function row(what, n, result, expected, ok) {
  return { what, n, result, expected, ok };
}

export function milliseconds(value) {
  return value === undefined ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** The table in Markdown. */
export function table(rows) {
  const cell = (value) => String(value).replaceAll('|', '\\|').replace(/\s+/g, ' ');
  return [
    '| figure | what | n | result | expected | ok |',
    '|---|---|---|---|---|---|',
    ...rows.map(({ figure, what, n, result, expected, ok }) => {
      const cells = [figure, what, n, result, expected, ok ? 'yes' : 'NO'];
      return `| ${cells.map(cell).join(' | ')} |`;
    }),
  ].join('\n');
}
