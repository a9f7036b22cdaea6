/** Writes lines to standard output: the outcome of a command, which a script may read. */
export function print(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Writes a line to standard error: what is not the outcome. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
