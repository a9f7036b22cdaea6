import { availableParallelism } from 'node:os';

/** Rules for passwords, and how they are kept. */
export class UsersOptions {
  /** Code points. NIST SP 800-63B-4 asks for 15 where the password is the only factor. */
  passwordMinLength = 15;
  /** Logarithm of the work of one hash; 12 takes about a quarter of a second. OWASP asks for at least 10. */
  bcryptCost = 12;
  /** Key of the pre-hash, kept outside the database. Without it a stolen table can be attacked at bcrypt's speed. */
  pepper = '';
  /** Earlier peppers, still accepted; a password is stored under the current one at its next use. */
  previousPeppers: readonly string[] = [];
  /** Hashes computed at a time. More than there are cores makes each one slower and starves everything else. */
  hashConcurrency = Math.min(availableParallelism(), 3);
  /** Hashes that may wait; beyond, the caller gets 503 at once instead of an answer much later. */
  hashQueueLimit = 64;
}
