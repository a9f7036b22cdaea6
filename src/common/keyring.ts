import { createHash, hkdfSync } from 'node:crypto';

/** One derived key and the name by which a token says that it was made with it. */
export interface DerivedKey {
  id: string;
  key: Buffer;
}

export interface DerivedKeys {
  /** Signs. */
  current: DerivedKey;
  /** Verifies: the current one and those of previous secrets, by id. */
  byId: ReadonlyMap<string, DerivedKey>;
}

export interface KeyringOptions {
  /** At least 32 bytes of randomness; all keys are derived from it. */
  secretKey: string;
  /** Earlier secrets: what they signed is still accepted, nothing new is signed with them. */
  previousSecretKeys?: readonly string[];
}

const MINIMUM_SECRET_BYTES = 32;
const KEY_BYTES = 32;

/**
 * Gives every purpose a key of its own (HKDF-SHA-256, RFC 5869), so that nothing signed for one purpose can be
 * taken for another.
 */
export class Keyring {
  private readonly secrets: readonly string[];

  /** @throws Error when a secret is too short */
  constructor({ secretKey, previousSecretKeys = [] }: KeyringOptions) {
    this.secrets = [secretKey, ...previousSecretKeys];
    if (this.secrets.some((secret) => Buffer.byteLength(secret) < MINIMUM_SECRET_BYTES)) {
      throw new Error(
        `A secret key needs at least ${MINIMUM_SECRET_BYTES} bytes. Make one with: openssl rand -base64 48`,
      );
    }
  }

  derive(purpose: string): DerivedKeys {
    const keys = this.secrets.map((secret) => deriveKey(secret, purpose));
    return { current: keys[0]!, byId: new Map(keys.map((key) => [key.id, key])) };
  }
}

function deriveKey(secret: string, purpose: string): DerivedKey {
  const key = Buffer.from(hkdfSync('sha256', secret, 'latchkey', purpose, KEY_BYTES));
  const id = createHash('sha256').update(key).digest('base64url').slice(0, 8);
  return { id, key };
}
