import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readFixtures } from '../support/fixtures';

const ROOT = resolve(__dirname, '..', '..');

const withoutIndentation = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim();

/** What the tests start and the compiler checks: the applications of hosts, and the specs about them. */
const sources = [
  ...readFixtures().map(({ text }) => text),
  readFileSync(join(__dirname, '..', 'library', 'extension.e2e-spec.ts'), 'utf8'),
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

describe('docs/extend.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'extend.md'), 'utf8');
  const folder = join(ROOT, 'views', 'mail');
  const mails = readdirSync(folder)
    .map((file) => /^([\w-]+)\.text\.pug$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  const rowOf = (mail: string) => text.split('\n').find((line) => line.startsWith(`| \`${mail}\` `)) ?? '';

  it.each(mails)('lists the mail %s with its subject, and names only what its templates show', (mail) => {
    const templates = [`${mail}.pug`, `${mail}.text.pug`].map((file) =>
      readFileSync(join(folder, file), 'utf8'),
    );
    const told = [...rowOf(mail).matchAll(/`([\w.]+)`/g)].map(([, word]) => word!);
    const values = told.filter((word) => /^[a-z]+[a-zA-Z]*$/.test(word));
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) expect(templates.join()).toContain(value);
    const camel = mail.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(told).toContain(`mail.${camel}.subject`);
  });
});

describe('docs/architecture.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8');

  it('leads along the road of a reset in at most twelve files, which are there', () => {
    const files = [...text.matchAll(/^\d+\. `(.+)`$/gm)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(5);
    expect(files.length).toBeLessThanOrEqual(12);
    expect(files.filter((file) => !existsSync(join(ROOT, 'src', file)))).toEqual([]);
  });
});
