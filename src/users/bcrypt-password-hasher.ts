import { Injectable, Logger } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { createHash, createHmac } from 'node:crypto';
import { HashGate } from './hash-gate';
import { PasswordHasher } from './password-hasher';
import { UsersOptions } from './users.options';

const PREFIX = '$hmac-sha384';

interface ParsedHash {
  /** The pepper's id; `undefined` for a plain bcrypt hash that came from another system. */
  pepperId: string | undefined;
  bcryptHash: string;
  cost: number;
}

/**
 * bcrypt over base64(HMAC-SHA-384(pepper, NFC(password))), stored as `$hmac-sha384$<pepper id>$2b$12$...`.
 *
 * bcrypt alone ignores everything after 72 bytes (CVE-2025-25298) and stops at NUL; the pre-hash is 64 printable bytes
 * for every password (OWASP Password Storage cheat sheet). Plain `$2a$` and `$2b$` hashes of imported users verify too.
 */
@Injectable()
export class BcryptPasswordHasher extends PasswordHasher {
  private readonly logger = new Logger('Passwords');
  private hasWarned = false;
  private readonly peppers: ReadonlyMap<string, string>;
  private readonly currentPepperId: string;
  private readonly gate;

  constructor(private readonly options: UsersOptions) {
    super();
    // The empty one too: who sets a first pepper must not lock everybody out.
    this.peppers = new Map(
      [options.pepper, ...options.previousPeppers, ''].map((pepper) => [pepperId(pepper), pepper]),
    );
    this.currentPepperId = pepperId(options.pepper);
    this.gate = new HashGate(options);
  }

  async hash(password: string): Promise<string> {
    const input = preHash(password, this.options.pepper);
    const hash = await this.gate.pass(() => bcrypt.hash(input, this.options.bcryptCost));
    return `${PREFIX}$${this.currentPepperId}${hash}`;
  }

  verify(password: string, hash: string | undefined): Promise<boolean> {
    const parsed = hash === undefined ? undefined : parseHash(hash);
    const input = parsed && this.inputFor(password, parsed);
    if (!parsed || input === undefined) return this.gate.pass(() => this.spendTime(this.options.bcryptCost));
    this.warnOfDearHash(parsed);
    return this.gate.pass(async () => {
      const right = await bcrypt.compare(input, parsed.bcryptHash);
      // Costs c, c, c+1, ... n-1 add up to one hash of cost n: a wrong password for an account whose hash is cheaper
      // takes as long as any other.
      for (let cost = parsed.cost; !right && cost < this.options.bcryptCost; cost++)
        await this.spendTime(cost);
      return right;
    });
  }

  isOutdated(hash: string): boolean {
    const parsed = parseHash(hash);
    return !parsed || parsed.pepperId !== this.currentPepperId || parsed.cost < this.options.bcryptCost;
  }

  /**
   * A wrong password for such an account takes longer than for an unknown address. For a hash of ours no sign-in mends that:
   * a cheaper one would be worth less where it is stolen.
   */
  private warnOfDearHash({ cost }: ParsedHash): void {
    const { bcryptCost } = this.options;
    if (cost <= bcryptCost || this.hasWarned) return;
    this.hasWarned = true;
    this.logger.warn(
      `There are stored passwords of cost ${cost}, which take longer to compare than BCRYPT_COST=${bcryptCost}: the time of ` +
        'a sign-in tells that such an account exists. Set BCRYPT_COST to the highest cost of a stored password.',
    );
  }

  private inputFor(password: string, { pepperId }: ParsedHash): string | undefined {
    if (pepperId === undefined) return password;
    const pepper = this.peppers.get(pepperId);
    return pepper === undefined ? undefined : preHash(password, pepper);
  }

  private async spendTime(cost: number): Promise<false> {
    await bcrypt.hash('', cost);
    return false;
  }
}

function preHash(password: string, pepper: string): string {
  return createHmac('sha384', pepper).update(password.normalize('NFC')).digest('base64');
}

/** Names a pepper without giving it away: enough of a hash to tell a few apart. */
function pepperId(pepper: string): string {
  return pepper === '' ? 'none' : createHash('sha256').update(`pepper ${pepper}`).digest('hex').slice(0, 8);
}

function parseHash(hash: string): ParsedHash | undefined {
  const match = /^(?:\$hmac-sha384\$([0-9a-f]{8}|none))?(\$2[ab]\$(\d\d)\$[./A-Za-z0-9]{53})$/.exec(hash);
  if (!match) return undefined;
  return { pepperId: match[1], bcryptHash: match[2]!, cost: Number(match[3]) };
}
