import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('docs/security.md', () => {
  const [attacks, clauses] = read('docs/security.md').split('\n## Clauses\n') as [string, string];
  const rows = [...attacks.matchAll(/^\| (A\d+) +\|.*?\| `([^`]+\.ts)` +\| `([^`]+)` +\|$/gm)];

  it('names tests that are there, each in its file', () => {
    expect(rows.length).toBeGreaterThan(50);
    const missing = rows.filter(([, , file, name]) => !read(file!).includes(name!));
    expect(missing.map(([row]) => row)).toEqual([]);
  });

  it('names a test for each clause, by its whole name, in its file', () => {
    const proven = [...clauses.matchAll(/^\| (C\d+.*?) +\| `([^`]+)` +\| `([^`]+)` +\|$/gm)];
    expect(proven.length).toBeGreaterThan(100);
    expect(clauses.match(/^\| C/gm)).toHaveLength(proven.length);
    const missing = proven.filter(
      ([, , file, name]) => !["'", '"', '`'].some((quote) => read(file!).includes(quote + name! + quote)),
    );
    expect(missing.map(([row]) => row)).toEqual([]);
  });

  it('passes over no clause', () => {
    const heads = [...clauses.matchAll(/^(?:\|| -|-) (C\d+[^:|(]*)/gm)].map(([, head]) => head!).join('\n');
    const numbers = [...heads.matchAll(/C(\d+)(?:-C(\d+))?/g)].flatMap(([, first, last]) =>
      Array.from({ length: Number(last ?? first) - Number(first) + 1 }, (_, n) => Number(first) + n),
    );
    expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(Array.from({ length: 217 }, (_, n) => n + 1));
  });
});
