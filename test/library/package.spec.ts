import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { readFixtures } from '../support/fixtures';

const ROOT = resolve(__dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  peerDependencies?: Record<string, string>;
};

/** Where the host applications of the tests would lie, were they written against the built package. */
const HOST = join(ROOT, 'test', 'host');

function compileHosts(): ts.Program {
  const files = new Map(readFixtures().map(({ name, text }) => [join(HOST, name), text]));
  const options: ts.CompilerOptions = {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node', 'jest'],
  };
  const disk = ts.createCompilerHost(options);
  const readFile = (file: string) => files.get(resolve(file)) ?? disk.readFile(file);
  const system: ts.CompilerHost = {
    ...disk,
    readFile,
    fileExists: (file) => files.has(resolve(file)) || disk.fileExists(file),
    directoryExists: (path) => resolve(path).startsWith(HOST) || disk.directoryExists!(path),
    getSourceFile: (file, language) => {
      const text = readFile(file);
      return text === undefined ? undefined : ts.createSourceFile(file, text, language);
    },
  };
  return ts.createProgram([...files.keys()], options, system);
}

describe('the package', () => {
  let program: ts.Program;

  beforeAll(() => {
    if (!existsSync(join(ROOT, 'dist', 'index.d.ts'))) throw new Error('First run: npm run build');
    program = compileHosts();
  });

  const ours = (file: string) => !relative(ROOT, file).startsWith(`node_modules${sep}`);

  it('compiles in strict hosts that check our declarations too', () => {
    const errors = ts
      .getPreEmitDiagnostics(program)
      .filter(({ file }) => !file || ours(file.fileName))
      .map(({ file, messageText }) => [file?.fileName, ts.flattenDiagnosticMessageText(messageText, '\n')]);
    expect(errors).toEqual([]);
  });

  it('mentions in its declarations only what a host gets with it', () => {
    const declarations = program
      .getSourceFiles()
      .filter(({ fileName }) => resolve(fileName).startsWith(join(ROOT, 'dist') + sep));
    expect(declarations.length).toBeGreaterThan(50);
    const mentioned = declarations
      .flatMap(({ text }) => ts.preProcessFile(text, true, true).importedFiles)
      .map(({ fileName }) => /^(@[^/]+\/)?[^/]+/.exec(fileName)![0])
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'));
    const had = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    expect([...new Set(mentioned)].filter((name) => !had.has(name))).toEqual([]);
  });

  it.each([
    ["require('latchkey').PasswordResetModule.name", 'PasswordResetModule'],
    ["require('latchkey/testing').RecordedOutbox.name", 'RecordedOutbox'],
    ["require('latchkey/package.json').name", 'latchkey'],
    ["try { require('latchkey/dist/main.js') } catch ({ code }) { code }", 'ERR_PACKAGE_PATH_NOT_EXPORTED'],
  ])('is entered by its doors only: %s', (expression, result) => {
    const output = execFileSync(process.execPath, ['-p', expression], { cwd: ROOT, encoding: 'utf8' });
    expect(output.trim()).toBe(result);
  });

  it('is packed with all that runs and nothing else', () => {
    const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
    });
    const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'dist/index.js',
        'dist/index.d.ts',
        'dist/testing/index.js',
        'dist/main.js',
        'dist/cli.js',
        'views/mail/reset-password.pug',
        'views/locales/en.json',
        'dist/users/common-passwords.txt',
      ]),
    );
    const known =
      /^(dist\/.*\.(js|d\.ts)|dist\/users\/common-passwords\.txt|views\/.*|package\.json|(README|CHANGELOG|LICENSE)(\.md)?)$/;
    expect(paths.filter((path) => !known.test(path))).toEqual([]);
  });
});
