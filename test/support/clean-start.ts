import { run } from './sql';

/** Jobs that an earlier spec has left, to be tried again later, are none of this one's. */
beforeAll(() => run(process.env['TEST_DATABASE_URL']!, 'DELETE FROM latchkey.jobs'));

/** Modules of `src` are shared by the specs of a worker; see `jest-runtime.js`. */
afterAll(() => jest.restoreAllMocks());
