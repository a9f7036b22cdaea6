import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readFixtures } from './support/fixtures';

const ROOT = resolve(__dirname, '..');

const withoutIndentation = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim();

/** What the tests start and the compiler checks: the applications of hosts, and the specs about them. */
const sources = [
  ...readFixtures().map(({ text }) => text),
  readFileSync(join(__dirname, 'extension.e2e-spec.ts'), 'utf8'),
].map(withoutIndentation);

describe.each(['docs/embed.md', 'docs/extend.md'])('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block!);

  it('shows code', () => expect(blocks.length).toBeGreaterThan(5));

  it.each(blocks)('shows code that runs in a test: %s', (block) => {
    const paragraphs = withoutIndentation(block).split(/\n{2,}/);
    const holding = sources.filter((source) => paragraphs.every((paragraph) => source.includes(paragraph)));
    expect(holding).not.toEqual([]);
  });

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
    const files = links.filter((link) => !link.startsWith('http'));
    const missing = files.filter((file) => !existsSync(join(ROOT, dirname(page), file)));
    expect(missing).toEqual([]);
  });

  it('links to headings that are there', () => {
    const anchors = new Set(
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});
