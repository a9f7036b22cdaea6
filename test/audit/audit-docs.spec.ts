import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SECURITY_ACTS } from '../../src/common';

const ROOT = resolve(__dirname, '..', '..');
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

describe('docs/audit.md', () => {
  const page = read('docs/audit.md');

  it('explains every act, in the order of the code, and no other', () => {
    const named = [...page.matchAll(/^\| `([a-z_]+)` +\|/gm)].map(([, act]) => act);
    expect(named).toEqual([...SECURITY_ACTS]);
  });

  it('shows lines that name acts', () => {
    const shown = [...page.matchAll(/^\d{4}-\S+Z {2}(?:success|failure) +(\w+)/gm)].map(([, act]) => act);
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.filter((act) => !(SECURITY_ACTS as readonly string[]).includes(act!))).toEqual([]);
  });
});

it.each(['docs/audit.md', 'docs/supply-chain.md', 'SECURITY.md'])('%s links to what is there', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#\s]+)/g)].map(([, link]) => link!);
  expect(links.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
});
