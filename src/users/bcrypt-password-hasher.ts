import { Injectable, Logger } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { createHash, createHmac } from 'node:crypto';
import { HashLimiter } from './hash-limiter';
import { PasswordHasher } from './password-hasher';
import { isTooLong } from './password-length';
import { UsersOptions } from './users.options';

const PREFIX = '$hmac-sha384';

interface ParsedHash {
  /** The pepper's id; `undefined` for a plain bcrypt hash that came from another system. */
  pepperId: string | undefined;
  bcryptHash: string;
  cost: number;
}

/** One comparison; without a hash it only takes its time. */
interface Comparison {
  input: string;
  hash?: ParsedHash;
}

/**
 * bcrypt over base64(HMAC-SHA-384(pepper, NFC(password))), stored as `$hmac-sha384$<pepper id>$2b$12$...`.
 *
 * bcrypt alone ignores everything after 72 bytes (CVE-2025-25298) and stops at NUL; the pre-hash is 64 printable bytes
 * for every password (OWASP Password Storage cheat sheet). Plain `$2a$`, `$2b$` and `$2y$` hashes of imported users verify
 * too, with the password as it was typed or in NFC.
 */
@Injectable()
export class BcryptPasswordHasher extends PasswordHasher {
  private readonly logger = new Logger('Passwords');
  private readonly warnings = new Set<'expensive' | 'unreadable'>();
  private readonly peppers: ReadonlyMap<string, string>;
  private readonly currentPepperId: string;
  private readonly limiter;

  constructor(private readonly options: UsersOptions) {
    super();
    // The empty one too: setting a first pepper must not lock everybody out.
    this.peppers = new Map(
      [options.pepper, ...options.previousPeppers, ''].map((pepper) => [pepperId(pepper), pepper]),
    );
    this.currentPepperId = pepperId(options.pepper);
    this.limiter = new HashLimiter(options);
  }

  /** @throws RangeError for a password that {@link isTooLong}; policies refuse those first */
  async hash(password: string): Promise<string> {
    if (isTooLong(password)) throw new RangeError('The password is too long to be hashed.');
    const input = preHash(password.normalize('NFC'), this.options.pepper);
    const hash = await this.limiter.run(() => bcrypt.hash(input, this.options.bcryptCost));
    return `${PREFIX}$${this.currentPepperId}${hash}`;
  }

  verify(password: string, hash: string | undefined): Promise<boolean> {
    const comparisons = isTooLong(password) ? [{ input: '' }] : this.comparisons(password, hash);
    return this.limiter.run(async () => {
      let right = false;
      for (const comparison of comparisons) right = (await this.compare(comparison)) || right;
      return right;
    });
  }

  isOutdated(hash: string): boolean {
    const parsed = parseHash(hash);
    return !parsed || parsed.pepperId !== this.currentPepperId || parsed.cost < this.options.bcryptCost;
  }

  /**
   * The password as typed and, if that is different, in NFC: another system may have hashed either. The number of comparisons
   * and all work before the first one depend on what was typed, never on the account.
   */
  private comparisons(password: string, hash: string | undefined): Comparison[] {
    const composed = password.normalize('NFC');
    const parsed = hash === undefined ? undefined : parseHash(hash);
    const pepper = this.peppers.get(parsed?.pepperId ?? this.currentPepperId);
    const input = preHash(composed, pepper ?? '');
    const readable = pepper === undefined ? undefined : parsed;
    if (readable) this.warnOfExpensiveHash(readable);
    else if (hash !== undefined) this.warnOfUnreadableHash(hash);
    if (readable && readable.pepperId === undefined)
      return [...new Set([password, composed])].map((text) => ({ input: text, hash: readable }));
    return password === composed ? [{ input, hash: readable }] : [{ input, hash: readable }, { input }];
  }

  private async compare({ input, hash }: Comparison): Promise<boolean> {
    if (!hash) return this.spendTime(this.options.bcryptCost);
    const right = await bcrypt.compare(input, hash.bcryptHash);
    // Costs c, c, c+1, ... n-1 add up to one hash of cost n: a wrong password takes as long for an account with a cheaper
    // hash.
    for (let cost = hash.cost; !right && cost < this.options.bcryptCost; cost++) await this.spendTime(cost);
    return right;
  }

  /**
   * A wrong password for such an account takes longer than for an unknown address. No sign-in changes that: a cheaper hash
   * would protect a stolen password less.
   */
  private warnOfExpensiveHash({ cost }: ParsedHash): void {
    const { bcryptCost } = this.options;
    if (cost <= bcryptCost) return;
    this.warnOnce(
      'expensive',
      `There are stored passwords of cost ${cost}, which take longer to compare than BCRYPT_COST=${bcryptCost}: the time of ` +
        'a sign-in reveals that such an account exists. Set BCRYPT_COST to the highest cost of a stored password.',
    );
  }

  /** To the user it looks like a wrong password. "!" is an unusable password on purpose, as in Unix and Django. */
  private warnOfUnreadableHash(hash: string): void {
    if (hash.startsWith('!')) return;
    this.warnOnce(
      'unreadable',
      'There are stored passwords that cannot be read: neither bcrypt, nor of a pepper in PASSWORD_PEPPER or ' +
        'PASSWORD_PEPPER_PREVIOUS. No password works for such an account until a mailed link has set a new one. ' +
        'docs/run.md has the query that counts them.',
    );
  }

  private warnOnce(about: 'expensive' | 'unreadable', message: string): void {
    if (this.warnings.has(about)) return;
    this.warnings.add(about);
    this.logger.warn(message);
  }

  private async spendTime(cost: number): Promise<false> {
    await bcrypt.hash('', cost);
    return false;
  }
}

function preHash(text: string, pepper: string): string {
  return createHmac('sha384', pepper).update(text).digest('base64');
}

/** Names a pepper without revealing it: enough of a hash to distinguish a few. */
function pepperId(pepper: string): string {
  return pepper === '' ? 'none' : createHash('sha256').update(`pepper ${pepper}`).digest('hex').slice(0, 8);
}

function parseHash(hash: string): ParsedHash | undefined {
  const match = /^(?:\$hmac-sha384\$([0-9a-f]{8}|none))?\$2[aby](\$(\d\d)\$[./A-Za-z0-9]{53})$/.exec(hash);
  if (!match) return undefined;
  // PHP writes $2y$ for $2b$; the library knows only the latter.
  return { pepperId: match[1], bcryptHash: `$2b${match[2]!}`, cost: Number(match[3]) };
}
