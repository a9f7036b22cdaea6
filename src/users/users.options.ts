import { BOUNDS, IsBcryptCost, IsPepper, IsPlainUrl, IsSwitch, IsTextList, IsWholeNumber } from '../common';
import { availableParallelism } from 'node:os';

/** Rules for passwords, and how they are stored. */
export class UsersOptions {
  /** Code points. NIST SP 800-63B-4 requires 15 if the password is the only factor. */
  @IsWholeNumber(...BOUNDS.passwordMinLength)
  passwordMinLength = 15;
  /** What an attacker tries first on this site: its name, its host name. A password has to be more than these. */
  @IsTextList()
  contextWords: readonly string[] = [];
  /** Whether new passwords are looked up in those known from breaches; sends 5 digits of each one's hash elsewhere. */
  @IsSwitch()
  passwordBreachCheck = false;
  /** The service itself or a mirror of its range API. */
  @IsPlainUrl()
  passwordBreachUrl = 'https://api.pwnedpasswords.com';
  /**
   * Logarithm of the work of one hash; 12 takes about a quarter of a second. OWASP requires at least 10. Never below the
   * highest cost of a stored hash: its comparison would take longer than that of an unknown address, and reveal the account.
   */
  @IsBcryptCost()
  bcryptCost = 12;
  /** Key of the pre-hash, kept outside the database. Without it a stolen table can be attacked at bcrypt's speed. */
  @IsPepper()
  pepper = '';
  /** Earlier peppers, still accepted; a password is stored under the current one at its next use. */
  @IsTextList()
  previousPeppers: readonly string[] = [];
  /** Hashes computed at a time. More than there are cores makes each one slower and starves everything else. */
  @IsWholeNumber(1, 1024)
  hashConcurrency = Math.min(availableParallelism(), 3);
  /** Hashes that may wait; beyond it the answer is 503 at once instead of a result much later. */
  @IsWholeNumber(0, 100_000)
  hashQueueLimit = 64;
}
