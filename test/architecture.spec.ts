import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

const SOURCE = resolve(__dirname, '..', 'src');

/** What each room may import. What is not named here is assembly, which may import everything. */
const ROOMS: Record<string, string[]> = {
  common: [],
  database: ['common'],
  jobs: ['common', 'database'],
  limits: ['common', 'database', 'jobs'],
  audit: ['common', 'database', 'jobs'],
  mail: ['common', 'database', 'jobs', 'limits'],
  users: ['common', 'database', 'jobs'],
  auth: ['common', 'database', 'jobs', 'limits', 'mail', 'users'],
  'password-reset': ['common', 'database', 'jobs', 'limits', 'mail', 'users'],
  registration: ['common', 'database', 'jobs', 'limits', 'mail', 'users'],
  account: ['common', 'database', 'jobs', 'limits', 'mail', 'users', 'auth'],
  pages: ['common', 'limits', 'users', 'auth', 'password-reset', 'registration', 'account'],
  testing: [
    'common',
    'database',
    'jobs',
    'limits',
    'audit',
    'mail',
    'users',
    'auth',
    'password-reset',
    'registration',
    'account',
  ],
};

/** Which files may know a library. */
const VENDORS: [library: RegExp, files: RegExp][] = [
  [/^(typeorm|@nestjs\/typeorm)$/, /^database\/|\/typeorm-[\w-]+\.ts$|^jobs\/pg-boss-job-queue\.ts$/],
  [/^pg-boss$/, /^jobs\//],
  [/^(rate-limiter-flexible|ioredis|ipaddr\.js)$/, /^limits\//],
  [/^hibp$/, /^users\//],
  [/^bcrypt$/, /^users\/bcrypt-password-hasher\.ts$/],
  [/^(@nestjs-modules\/mailer|nodemailer|smtp-server|postal-mime)$/, /^mail\//],
  [/^@nestjs\/jwt$/, /^common\/signed-tokens\.ts$/],
  [/^(fastify|@fastify\/.*|express|@nestjs\/platform-.*)$/, /^pages\/|^(main|app\.setup)\.ts$/],
  [/^pug$/, /^common\/templates\.ts$/],
  [/^i18next$/, /^common\/translations\.ts$/],
  [/^@electric-sql\//, /^database\/embedded-database/],
  [/^pino/, /^(logger|app\.setup)\.ts$/],
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

const roomOf = (path: string) =>
  path.includes('/') ? path.split('/')[0]! : path in ROOMS ? path : undefined;

const crossings = imports.flatMap(({ file, target, path }) => {
  if (path === undefined) return [];
  const [from, to] = [roomOf(file), roomOf(path)];
  return from === to ? [] : [{ file, target, from, to, path }];
});

describe('the layering', () => {
  it('sees the sources', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(crossings.length).toBeGreaterThan(50);
    for (const room of Object.keys(ROOMS)) expect(existsSync(join(SOURCE, room, 'index.ts'))).toBe(true);
  });

  it('imports downwards only', () => {
    const upwards = crossings.filter(
      ({ from, to }) => from !== undefined && (!to || !ROOMS[from]!.includes(to)),
    );
    expect(upwards.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('enters a room through its index.ts only', () => {
    const sideways = crossings.filter(({ to, path }) => to !== undefined && path !== to);
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
