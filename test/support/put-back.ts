/** Modules of `src` are shared by the specs of a worker; see `jest-runtime.js`. */
afterAll(() => jest.restoreAllMocks());
