import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { isUUID } from 'class-validator';
import { Clock } from './clock';
import { DerivedKeys, Keyring } from './keyring';

/** What a token of ours says: which record it names, and until when. Ids and times only, never personal data. */
export interface TokenClaims {
  /** Id of the record that the token stands for. */
  id: string;
  issuedAt: Date;
  expiresAt: Date;
}

/** What a genuine token says, whether or not its time is over. */
export interface ReadToken extends TokenClaims {
  expired: boolean;
}

export class TokenInvalidError extends Error {
  override readonly name = 'TokenInvalidError';
}

/** The signature is ours, but the token's time is over. */
export class TokenExpiredError extends Error {
  override readonly name = 'TokenExpiredError';
}

const ALGORITHM = 'HS256';
const ISSUER = 'latchkey';
/** Ours have about 300 characters; what is much longer is not worth decoding (CVE-2010-4535). */
const MAXIMUM_TOKEN_LENGTH = 1024;

/**
 * Signs and verifies tokens (JWT, HS256). Each purpose has its own key and its own audience, so that no token is good
 * for two things (RFC 8725, sections 3.8 to 3.12).
 */
@Injectable()
export class SignedTokens {
  private readonly jwt = new JwtService();
  private readonly keys = new Map<string, DerivedKeys>();

  constructor(
    private readonly keyring: Keyring,
    private readonly clock: Clock,
  ) {}

  /** @param issuedAt now, unless the same token is to be signed again: equal claims give an equal token */
  sign(purpose: string, id: string, expiresAt: Date, issuedAt = this.clock.now()): string {
    const { current } = this.keysOf(purpose);
    const claims = { iat: inSeconds(issuedAt), exp: inSeconds(expiresAt) };
    return this.jwt.sign(claims, {
      algorithm: ALGORITHM,
      secret: current.key,
      keyid: current.id,
      issuer: ISSUER,
      audience: purpose,
      jwtid: id,
    });
  }

  /** @throws TokenInvalidError, or TokenExpiredError for one that is genuine but too old */
  verify(purpose: string, token: string): TokenClaims {
    const { expired, ...claims } = this.read(purpose, token);
    if (expired) throw new TokenExpiredError();
    return claims;
  }

  /**
   * As {@link verify}, for whoever has to tell of a dead link whose it was: what is `expired` must open nothing.
   * @throws TokenInvalidError
   */
  read(purpose: string, token: string): ReadToken {
    const claims = this.verifySignature(purpose, token);
    const [id, iat, exp] = [claims['jti'], claims['iat'], claims['exp']];
    if (!isUUID(id) || !Number.isSafeInteger(iat) || !Number.isSafeInteger(exp))
      throw new TokenInvalidError();
    const expiresAt = new Date((exp as number) * 1000);
    // Not "<=": a number too large for a date is neither earlier nor later than now, and must not live forever.
    const expired = !(expiresAt > this.clock.now());
    return { id: id as string, issuedAt: new Date((iat as number) * 1000), expiresAt, expired };
  }

  private verifySignature(purpose: string, token: string): Record<string, unknown> {
    if (token.length > MAXIMUM_TOKEN_LENGTH) throw new TokenInvalidError();
    try {
      const decoded = this.jwt.decode<{ header: Record<string, unknown> } | null>(token, { complete: true });
      // The key id only chooses among keys of our own; algorithm and everything else is fixed by us (RFC 8725, 3.1).
      const key = this.keysOf(purpose).byId.get(String(decoded?.header['kid']));
      // Nothing that must be understood is ours (RFC 7515, section 4.1.11); the library does not look.
      if (!key || decoded?.header['crit'] !== undefined) throw new TokenInvalidError();
      return this.jwt.verify<Record<string, unknown>>(token, {
        secret: key.key,
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: purpose,
        // Expiry is decided by our own clock, above.
        ignoreExpiration: true,
      });
    } catch {
      throw new TokenInvalidError();
    }
  }

  private keysOf(purpose: string): DerivedKeys {
    const keys = this.keys.get(purpose) ?? this.keyring.derive(purpose);
    this.keys.set(purpose, keys);
    return keys;
  }
}

function inSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
