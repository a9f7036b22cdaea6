import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

const SOURCE = resolve(__dirname, '..', '..', 'src');

const INFRASTRUCTURE = ['common', 'http', 'database', 'jobs'];
const CAPABILITIES = [...INFRASTRUCTURE, 'links', 'limits', 'mail', 'users'];
const FLOWS = ['auth', 'password-reset', 'registration', 'account'];

/** What each room may import, and each file at the root of `src`. */
const ROOMS: Record<string, string[]> = {
  common: [],
  http: ['common'],
  links: ['common', 'http'],
  database: ['common'],
  jobs: ['common', 'database'],
  limits: INFRASTRUCTURE,
  audit: INFRASTRUCTURE,
  mail: [...INFRASTRUCTURE, 'links', 'limits'],
  users: INFRASTRUCTURE,
  auth: CAPABILITIES,
  'password-reset': CAPABILITIES,
  registration: CAPABILITIES,
  account: [...CAPABILITIES, 'auth'],
  pages: ['common', 'http', 'links', 'limits', 'mail', 'users', ...FLOWS],
  testing: [...CAPABILITIES, 'audit', ...FLOWS],
  server: [...CAPABILITIES, 'audit', ...FLOWS, 'pages', 'app.module', 'migrate'],
  'app.module': [...CAPABILITIES, 'audit', ...FLOWS, 'pages', 'server', 'migrate'],
  migrate: [...CAPABILITIES, 'audit', ...FLOWS],
  index: [...CAPABILITIES, 'audit', ...FLOWS, 'migrate'],
  main: ['server', 'app.module', 'users'],
  cli: ['server', 'app.module', 'migrate', 'users'],
};

/** Which files may know a library. */
const VENDORS: [library: RegExp, files: RegExp][] = [
  [/^(typeorm|@nestjs\/typeorm)$/, /^database\/|\/typeorm-[\w-]+\.ts$/],
  [/^(ioredis|ipaddr\.js)$/, /^limits\//],
  [/^hibp$/, /^users\//],
  [/^@zxcvbn-ts\//, /^users\/password-strength\.ts$/],
  [/^bowser$/, /^pages\/browser-name\.ts$/],
  [/^bcrypt$/, /^users\/bcrypt-password-hasher\.ts$/],
  [/^(@nestjs-modules\/mailer|nodemailer|smtp-server|postal-mime)$/, /^mail\//],
  [/^@nestjs\/jwt$/, /^links\/signed-tokens\.ts$/],
  [/^(fastify|@fastify\/.*|express|@nestjs\/platform-.*)$/, /^(pages|server)\/|^main\.ts$/],
  [/^pug$/, /^common\/templates\.ts$/],
  [/^i18next$/, /^common\/translations\.ts$/],
  [/^@electric-sql\//, /^server\/embedded-database\//],
  [/^pino/, /^server\//],
];

interface Import {
  file: string;
  target: string;
  /** The imported file, relative to `src`; `undefined` for a library. */
  path: string | undefined;
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => file.split(sep).join('/'));

const imports: Import[] = files.flatMap((file) =>
  ts
    .preProcessFile(readFileSync(join(SOURCE, file), 'utf8'), true, true)
    .importedFiles.map(({ fileName: target }) => {
      const path = target.startsWith('.')
        ? relative(SOURCE, resolve(SOURCE, dirname(file), target))
            .split(sep)
            .join('/')
        : undefined;
      return { file, target, path };
    }),
);

const roomOf = (path: string) => path.split('/')[0]!.replace(/\.ts$/, '');

const crossings = imports.flatMap(({ file, target, path }) => {
  if (path === undefined) return [];
  const [from, to] = [roomOf(file), roomOf(path)];
  return from === to ? [] : [{ file, target, from, to, path }];
});

describe('the layering', () => {
  it('sees the sources', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(crossings.length).toBeGreaterThan(50);
    expect(Object.keys(ROOMS).sort()).toEqual([...new Set(files.map(roomOf))].sort());
  });

  it('imports downwards only', () => {
    const upwards = crossings.filter(({ from, to }) => !ROOMS[from]?.includes(to));
    expect(upwards.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('enters a room through its index.ts only', () => {
    // The server is assembly: nobody imports it but the programs, which name what they start with.
    const sideways = crossings.filter(({ to, path }) => path !== to && to !== 'server');
    expect(sideways.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('keeps vendors in their room', () => {
    const strays = imports.filter(({ file, target }) =>
      VENDORS.some(([library, allowed]) => library.test(target) && !allowed.test(file)),
    );
    expect(strays.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('imports nothing in a circle', () => {
    const graph = new Map<string, string[]>();
    for (const { file, path } of imports) {
      if (path === undefined) continue;
      const target = [`${path}.ts`, `${path}/index.ts`].find((name) => files.includes(name));
      if (target) graph.set(file, [...(graph.get(file) ?? []), target]);
    }
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, road: string[]): void => {
      if (road.includes(file)) circles.push([...road.slice(road.indexOf(file)), file].join(' -> '));
      if (road.includes(file) || done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...road, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });
});
