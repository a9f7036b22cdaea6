import { availableParallelism } from 'node:os';

/** Rules for passwords, and how they are kept. */
export class UsersOptions {
  /** Code points. NIST SP 800-63B-4 asks for 15 where the password is the only factor. */
  passwordMinLength = 15;
  /** What an attacker tries first on this site: its name, its host name. A password must be more than these. */
  contextWords: readonly string[] = [];
  /** Whether new passwords are looked up in those known from breaches; sends 5 digits of each one's hash elsewhere. */
  passwordBreachCheck = false;
  /** Where they are looked up: the service itself or a mirror of its range API. */
  passwordBreachUrl = 'https://api.pwnedpasswords.com';
  /**
   * Logarithm of the work of one hash; 12 takes about a quarter of a second. OWASP asks for at least 10. Never below the
   * highest cost of a stored hash: comparing with that takes longer than the answer to an unknown address, and tells.
   */
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
