/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.(spec|e2e-spec)\\.ts$',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // Each worker has a database of its own, which its specs share one after the other: of two applications on one database,
  // one would take the jobs of the other.
  maxWorkers: 2,
  setupFiles: ['<rootDir>/test/support/worker-database.ts'],
  testTimeout: 30_000,
  // hibp is an ES module, which Node requires and Jest does not.
  transformIgnorePatterns: ['/node_modules/(?!hibp/)'],
  transform: {
    '^.+\\.ts$|/node_modules/hibp/.+\\.js$': [
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
