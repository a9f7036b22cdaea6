import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readSettings, settingDescriptions, Settings } from '../../src/server/settings';

const ROOT = resolve(__dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const defaults = new Settings();

/** Every setting as the documentation describes it. */
const settings = settingDescriptions.map(({ key, name, sentence, secret, unset = '', example = '' }) => {
  const value = defaults[key as keyof Settings];
  const fixed = [value ?? []].flat().join();
  return {
    name,
    example: fixed || example,
    row: [name, fixed ? `\`${fixed}\`` : unset, sentence],
    comment: (unset ? `${sentence} Not set: ${unset}.` : sentence).replaceAll('`', ''),
    secret: secret !== undefined,
  };
});

const SECRET = / _Secret\._$/;

/** The rows of a table of settings: name, default, meaning. */
const rowsOf = (page: string) =>
  [...read(page).matchAll(/^\| `([A-Z_]+)` +\|(.*?)\|(.*)\|$/gm)].map(([, name, value, meaning]) => [
    name!,
    value!.trim(),
    meaning!.trim(),
  ]);

describe('docs/settings.md', () => {
  const rows = rowsOf('docs/settings.md').slice(0, settings.length);

  it('describes every setting, in their order, as the code does', () => {
    expect(settings.length).toBeGreaterThan(25);
    expect(rows.map(([name, value, meaning]) => [name, value, meaning!.replace(SECRET, '')])).toEqual(
      settings.map(({ row }) => row),
    );
  });

  it('marks the secrets', () => {
    const marked = rows.filter(([, , meaning]) => SECRET.test(meaning!)).map(([name]) => name);
    expect(marked).toEqual(settings.filter(({ secret }) => secret).map(({ name }) => name));
  });

  it('says of each what it means', () => {
    expect(rows.filter(([, , meaning]) => meaning!.length < 10)).toEqual([]);
  });

  it('words the made URLs as they are made', () => {
    const { port, publicUrl, resetUrl } = readSettings({ PORT: '4321' });
    const made = (name: string) => rows.find(([row]) => row === name)![1]!.replaceAll('`', '');
    expect(made('PUBLIC_URL').replace('$PORT', `${port}`)).toBe(publicUrl);
    expect(made('RESET_URL').replace('$PUBLIC_URL', publicUrl)).toBe(resetUrl);
  });
});

describe('README.md', () => {
  const rows = rowsOf('README.md');

  it('describes ten settings as the code does', () => {
    expect(rows).toEqual(
      settings.map(({ row }) => row).filter(([name]) => rows.some(([row]) => row === name)),
    );
    expect(rows).toHaveLength(10);
  });
});

describe('.env.example', () => {
  const [, ...blocks] = read('.env.example').trimEnd().split('\n\n');

  it('describes every setting, in their order, with its default or an example, as the code does', () => {
    const described = blocks.map((block) => {
      const [, comment, name, value] = /^(.*)\n# ([A-Z_]+)=(.*)$/s.exec(block)!;
      return { name, example: value, comment: comment!.replace(/^# /, '').replaceAll('\n# ', ' ') };
    });
    expect(described).toEqual(settings.map(({ name, example, comment }) => ({ name, example, comment })));
  });

  it('changes nothing as it is', () => {
    expect(
      read('.env.example')
        .split('\n')
        .filter((line) => line && !line.startsWith('#')),
    ).toEqual([]);
  });

  it('holds no secret that would be accepted', () => {
    const { name, example } = settings.find((setting) => setting.name === 'SECRET_KEY')!;
    expect(() => readSettings({ [name]: example })).toThrow(/SECRET_KEY: must be at least 32 bytes/);
  });
});

describe.each([
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/performance.md',
  'docs/run.md',
  'docs/settings.md',
])('%s', (page) => {
  it('links to what is there', () => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
    const files = links.filter((link) => !link.startsWith('http'));
    expect(files.filter((file) => !existsSync(join(ROOT, dirname(page), file)))).toEqual([]);
  });
});
