import { Client } from 'pg';

/** Jobs that an earlier spec has left, to be tried again later, are none of this one's. */
beforeAll(async () => {
  const client = new Client(process.env['TEST_DATABASE_URL']);
  await client.connect();
  await client.query('DELETE FROM latchkey.jobs');
  await client.end();
});

/** Modules of `src` are shared by the specs of a worker; see `jest-runtime.js`. */
afterAll(() => jest.restoreAllMocks());
