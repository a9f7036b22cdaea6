import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { isUUID } from 'class-validator';
import { createSecretKey, KeyObject } from 'node:crypto';
import { Clock, Keyring } from '../common';

/** What a genuine token says: ids and times only, never personal data. */
export interface ReadToken {
  /** Id of the record that the token stands for. */
  id: string;
  /** Its time is over: it must open nothing, but the record may be named in a log. */
  expired: boolean;
}

/** The token was not signed by us, or not for this purpose. */
export class TokenInvalidError extends Error {
  override readonly name = 'TokenInvalidError';
}

/** The keys of one purpose: the current one signs, all of them verify. */
interface PurposeKeys {
  currentId: string;
  byId: ReadonlyMap<string, KeyObject>;
}

const ALGORITHM = 'HS256';
const ISSUER = 'latchkey';
/** Ours have about 300 characters; anything much longer is not worth decoding (CVE-2010-4535). */
const MAXIMUM_TOKEN_LENGTH = 1024;

/**
 * Signs and verifies tokens (JWT, HS256). Each purpose has its own key and its own audience, so that no token is good
 * for two things (RFC 8725, sections 3.8 to 3.12).
 */
@Injectable()
export class SignedTokens {
  private readonly jwt = new JwtService();
  private readonly keys = new Map<string, PurposeKeys>();

  constructor(
    private readonly keyring: Keyring,
    private readonly clock: Clock,
  ) {}

  sign(purpose: string, id: string, expiresAt: Date): string {
    const { currentId, byId } = this.keysOf(purpose);
    const claims = { iat: inSeconds(this.clock.now()), exp: inSeconds(expiresAt) };
    return this.jwt.sign(claims, {
      algorithm: ALGORITHM,
      privateKey: byId.get(currentId)!,
      keyid: currentId,
      issuer: ISSUER,
      audience: purpose,
      jwtid: id,
    });
  }

  /** @throws TokenInvalidError; a token that is genuine but too old is read as `expired` */
  read(purpose: string, token: string): ReadToken {
    const claims = this.verifySignature(purpose, token);
    const [id, iat, exp] = [claims['jti'], claims['iat'], claims['exp']];
    if (!isUUID(id) || !Number.isSafeInteger(iat) || !Number.isSafeInteger(exp))
      throw new TokenInvalidError();
    // Not "<=": a number too large for a date is neither earlier nor later than now, and must not live forever.
    const expired = !(new Date((exp as number) * 1000) > this.clock.now());
    return { id: id as string, expired };
  }

  private verifySignature(purpose: string, token: string): Record<string, unknown> {
    if (token.length > MAXIMUM_TOKEN_LENGTH) throw new TokenInvalidError();
    try {
      const decoded = this.jwt.decode<{ header: Record<string, unknown> } | null>(token, { complete: true });
      // The key id only chooses among keys of our own; algorithm and everything else is fixed by us (RFC 8725, 3.1).
      const key = this.keysOf(purpose).byId.get(String(decoded?.header['kid']));
      // We understand no critical header (RFC 7515, section 4.1.11); the library does not check.
      if (!key || decoded?.header['crit'] !== undefined) throw new TokenInvalidError();
      return this.jwt.verify<Record<string, unknown>>(token, {
        // jsonwebtoken takes a KeyObject; the types of @nestjs/jwt do not say so.
        secret: key as KeyObject & Buffer,
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

  /** Made once: from a plain buffer, jsonwebtoken would try to parse a PEM at each call. */
  private keysOf(purpose: string): PurposeKeys {
    const known = this.keys.get(purpose);
    if (known) return known;
    const { current, byId } = this.keyring.derive(purpose);
    const keys = {
      currentId: current.id,
      byId: new Map([...byId.values()].map(({ id, key }) => [id, createSecretKey(key)])),
    };
    this.keys.set(purpose, keys);
    return keys;
  }
}

function inSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
