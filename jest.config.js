/** What is asked of the database and its locks alone. */
const DATABASE =
  'stores|rate-limiter|job-leases|(postgres|previous)-jobs?(-queue)?|migrations|migrate|database-(clock|settings)|failover|pooler|server-role|account-stays-with-owner';
/** What people do first, last and most. */
const ROAD = 'password-reset|one-time|registration|sign-in|change-email|pages|start';
/** What starts programs, or databases of its own. */
const PROCESS = 'canaries|careless-setup|cli|delivery|embedded-(database|parts)|keys|log|no-traces|package';

const named = (names) => `/(${names})\\.(e2e-)?spec\\.ts$`;

/** @type {import('jest').Config} */
const shared = {
  roots: ['<rootDir>/src', '<rootDir>/test'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFiles: ['<rootDir>/test/support/worker-database.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/clean-start.ts'],
  testEnvironment: '<rootDir>/test/support/jest-environment.ts',
  runtime: '<rootDir>/test/support/jest-runtime.js',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
        },
        module: { type: 'commonjs' },
      },
    ],
  },
};

/** @type {import('jest').Config} */
module.exports = {
  // Each worker has a database of its own, which its specs share one after the other: of two applications on one database,
  // one would take the jobs of the other.
  maxWorkers: 2,
  testTimeout: 30_000,
  projects: [
    ['unit', '\\.spec\\.ts$', [DATABASE, ROAD, PROCESS]],
    ['database', named(DATABASE)],
    ['road', named(ROAD)],
    ['e2e', '\\.e2e-spec\\.ts$', [DATABASE, ROAD, PROCESS]],
    ['process', named(PROCESS)],
  ].map(([displayName, testRegex, others = []]) => ({
    ...shared,
    displayName,
    testRegex,
    testPathIgnorePatterns: ['/node_modules/', '/test/attacks/', ...others.map(named)],
  })),
};
module.exports.projects.push({ ...shared, displayName: 'attacks', testRegex: '/test/attacks/.*-spec\\.ts$' });
