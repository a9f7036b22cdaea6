import { ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const LINES = 20_000;
/** Writes many lines, says so on another way, and stays. */
const WRITER = `
  const { createPino } = require(${JSON.stringify(join(__dirname, '..', '..', 'dist', 'server', 'logger.js'))});
  const log = createPino('info', true);
  let n = 0;
  const write = () => {
    for (let k = 0; k < 100; k++) log.info({ n: n++ }, 'x'.repeat(100));
    if (n < ${LINES}) setImmediate(write);
    else process.send('written');
  };
  write();
  process.on('message', () => undefined);`;

describe('a log that nobody reads', () => {
  let writer: ChildProcess;

  beforeAll(() => {
    writer = spawn(process.execPath, ['-e', WRITER], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  });
  afterAll(() => writer.kill('SIGKILL'));

  it('stops nobody, is kept up to a bound, and tells then how much of it was dropped', async () => {
    await once(writer, 'message');
    const lines = await linesUntil(writer, 'lines were dropped');
    const { level, lines: dropped } = lines.pop() as { level: number; lines: number };
    expect(level).toBe(50);
    expect(dropped).toBe(LINES - lines.length);
    expect(lines.map(({ n }) => n)).toEqual([...lines.keys()]);
    // What fits into a megabyte, and into the pipe.
    expect(lines.length).toBeGreaterThan(5000);
    expect(lines.length).toBeLessThan(12_000);
  }, 20_000);
});

/** @returns what is written from now on, up to a line that has this in it */
async function linesUntil({ stdout }: ChildProcess, end: string): Promise<Record<string, unknown>[]> {
  let text = '';
  for await (const chunk of stdout!) {
    text += String(chunk);
    if (text.endsWith('\n') && text.includes(end)) break;
  }
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
