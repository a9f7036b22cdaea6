import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('docs/security.md', () => {
  const rows = [
    ...read('docs/security.md').matchAll(/^\| (A\d+) +\|.*?\| `([^`]+\.ts)` +\| `([^`]+)` +\|$/gm),
  ];

  it('names tests that are there, each in its file', () => {
    expect(rows.length).toBeGreaterThan(50);
    const missing = rows.filter(([, , file, name]) => !read(file!).includes(name!));
    expect(missing.map(([row]) => row)).toEqual([]);
  });
});
