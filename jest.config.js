/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.(spec|e2e-spec)\\.ts$',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // The specs share one database, and a worker of one application would take the jobs of another.
  maxWorkers: 1,
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
