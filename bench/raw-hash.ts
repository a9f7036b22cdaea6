// What the machine can do at most: bcrypt, and nothing beside it, in as many threads as the server has.
import { hash } from 'bcrypt';
import { answerRequests } from './helper';

export interface RawHashes {
  cost: number;
  seconds: number;
}

/** libuv's default, which the server leaves as it is. */
const THREADS = 4;

/** @returns hashes a second */
answerRequests<RawHashes, number>(async ({ cost, seconds }) => {
  const begin = performance.now();
  let hashes = 0;
  const lane = async () => {
    while (performance.now() - begin < seconds * 1000) {
      await hash('correct horse battery staple', cost);
      hashes++;
    }
  };
  await Promise.all(Array.from({ length: THREADS }, lane));
  return hashes / ((performance.now() - begin) / 1000);
});
