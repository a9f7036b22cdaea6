import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { readSettings } from '../src/env';

const ROOT = resolve(__dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** Every variable that the server knows, and its default where that is a fixed value. */
const variables: { name: string; fixed: string | undefined }[] = [];

ts.createSourceFile('environment.ts', read('src/environment.ts'), ts.ScriptTarget.Latest).forEachChild(
  (node) => {
    if (!ts.isClassDeclaration(node) || node.name?.text !== 'Environment') return;
    for (const member of node.members.filter(ts.isPropertyDeclaration)) {
      const value = member.initializer;
      variables.push({
        name: (member.name as ts.Identifier).text,
        fixed: value && ts.isLiteralExpression(value) ? value.text.replaceAll('_', '') : undefined,
      });
    }
  },
);

/** How the table words a default that is made or started rather than written down. */
const WORDED: Record<string, string> = {
  PUBLIC_URL: '`http://localhost:$PORT`',
  RESET_URL: '`$PUBLIC_URL/reset_password/{token}`',
  SECRET_KEY: 'made at the first start, kept in `.data/`',
  DATABASE_URL: 'embedded, kept in `.data/`',
  MAIL_SERVER: 'embedded catcher',
};

describe('README.md', () => {
  const section = /\n## Settings\n(.*?)\n## /s.exec(read('README.md'))![1]!;
  const rows = [...section.matchAll(/^\| `([A-Z_]+)` +\|(.*?)\|(.*)\|$/gm)].map(
    ([, name, value, meaning]) => ({ name: name!, value: value!.trim(), meaning: meaning!.trim() }),
  );

  it('names every variable, in their order, with its default', () => {
    const defaultOf = ({ name, fixed }: (typeof variables)[0]) => (fixed ? `\`${fixed}\`` : WORDED[name]);
    expect(variables.length).toBeGreaterThan(25);
    expect(rows.map(({ name, value }) => [name, value])).toEqual(
      variables.map((variable) => [variable.name, defaultOf(variable) ?? '']),
    );
  });

  it('says of each what it means', () => {
    expect(rows.filter(({ meaning }) => meaning.length < 10)).toEqual([]);
  });

  it('words the made URLs as they are made', () => {
    const { port, publicUrl, resetUrl } = readSettings({ PORT: '4321' });
    const made = (name: string) => WORDED[name]!.replaceAll('`', '');
    expect(made('PUBLIC_URL').replace('$PORT', `${port}`)).toBe(publicUrl);
    expect(made('RESET_URL').replace('$PUBLIC_URL', publicUrl)).toBe(resetUrl);
  });
});

describe('.env.example', () => {
  const lines = [...read('.env.example').matchAll(/^# ([A-Z_]+)=(.*)$/gm)];

  it('names every variable, in their order, with its default', () => {
    expect(lines.map(([, name]) => name)).toEqual(variables.map(({ name }) => name));
    for (const { name, fixed } of variables.filter((variable) => variable.fixed !== undefined)) {
      expect(lines).toContainEqual(expect.arrayContaining([`# ${name}=${fixed}`]));
    }
  });

  it('changes nothing as it is', () => {
    expect(
      read('.env.example')
        .split('\n')
        .filter((line) => line && !line.startsWith('#')),
    ).toEqual([]);
  });

  it('holds no secret that would be accepted', () => {
    for (const [, name, value] of lines.filter(([, name]) => name === 'SECRET_KEY')) {
      expect(() => readSettings({ [name!]: value })).toThrow(/SECRET_KEY: must be at least 32 bytes/);
    }
  });
});

describe.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/run.md'])('%s', (page) => {
  it('links to what is there', () => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
    const files = links.filter((link) => !link.startsWith('http'));
    expect(files.filter((file) => !existsSync(join(ROOT, dirname(page), file)))).toEqual([]);
  });
});
