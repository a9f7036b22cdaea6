import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { testTitles } from '../support/test-titles';

const ROOT = join(__dirname, '..', '..');

describe('docs/security.md', () => {
  const text = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
  const [attacks, clauses] = text.split('\n## Clauses\n') as [string, string];
  const titles = new Map<string, Set<string>>();
  const isTest = (file: string, name: string) => {
    // A fault that is provoked has a name, and no spec.
    if (!file.endsWith('spec.ts')) return readFileSync(join(ROOT, file), 'utf8').includes(`'${name}'`);
    if (!titles.has(file)) titles.set(file, testTitles(join(ROOT, file)));
    return titles.get(file)!.has(name);
  };

  it('names a test for each attack, by its title in its file', () => {
    const rows = [...attacks.matchAll(/^\| (A\d+) +\|.*?\| `([^`]+\.ts)` +\| `([^`]+)` +\|$/gm)];
    expect(rows.length).toBeGreaterThan(50);
    const missing = rows.filter(([, , file, name]) => !isTest(file!, name!));
    expect(missing.map(([row]) => row)).toEqual([]);
  });

  it('names a test for each clause, by its title in its file', () => {
    const proven = [...clauses.matchAll(/^\| (C\d+.*?) +\| `([^`]+)` +\| `([^`]+)` +\|$/gm)];
    expect(proven.length).toBeGreaterThan(100);
    expect(clauses.match(/^\| C/gm)).toHaveLength(proven.length);
    const missing = proven.filter(([, , file, name]) => !isTest(file!, name!));
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
