import { randomUUID } from 'node:crypto';
import { forgeJwt, readJwt } from '../../test/support/jwt';
import { MovableClock } from '../testing';
import { Keyring, secondsAfter } from '../common';
import { SignedTokens, TokenInvalidError } from './signed-tokens';

const SECRET = 'a secret of at least 32 bytes, number one';
const OTHER = 'a secret of at least 32 bytes, number two';

describe('SignedTokens', () => {
  const clock = new MovableClock();
  const keyring = new Keyring({ secretKey: SECRET });
  const tokens = new SignedTokens(keyring, clock);
  const { current } = keyring.derive('access');
  const id = randomUUID();

  const inAnHour = () => secondsAfter(clock.now(), 3600);
  const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
  const goodClaims = () => ({
    iss: 'latchkey',
    aud: 'access',
    jti: id,
    iat: seconds(clock.now()),
    exp: seconds(inAnHour()),
  });
  /** Signed with the right key: what only a fault of our own, or a thief of the key, could make. */
  const signed = (claims: unknown, header: object = {}) =>
    forgeJwt({ header: { kid: current.id, ...header }, claims, key: current.key });
  const read = (token: string) => () => tokens.read('access', token);

  it('believes what it has signed itself', () => {
    const expiresAt = inAnHour();
    const token = tokens.sign('access', id, expiresAt);
    expect(tokens.read('access', token)).toEqual({ id, expired: false });
    expect(readJwt(token).claims).toMatchObject({ iat: seconds(clock.now()), exp: seconds(expiresAt) });
    expect(tokens.read('access', signed(goodClaims()))).toEqual({ id, expired: false });
  });

  it('says nothing but ids and times, for everybody can read it', () => {
    const { header, claims } = readJwt(tokens.sign('access', id, inAnHour()));
    expect(Object.keys(header).sort()).toEqual(['alg', 'kid', 'typ']);
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti']);
  });

  it('never takes a token of one purpose for another', () => {
    const purposes = ['access', 'password-reset', 'email-change'];
    for (const purpose of purposes) {
      const token = tokens.sign(purpose, id, inAnHour());
      for (const other of purposes.filter((name) => name !== purpose))
        expect(() => tokens.read(other, token)).toThrow(TokenInvalidError);
    }
  });

  it('never takes a token of one purpose for another, not even with the other\u2019s name on it', () => {
    const { key } = keyring.derive('password-reset').current;
    expect(read(forgeJwt({ header: { kid: current.id }, claims: goodClaims(), key }))).toThrow(
      TokenInvalidError,
    );
    expect(read(signed({ ...goodClaims(), aud: 'password-reset' }))).toThrow(TokenInvalidError);
  });

  describe('refuses as forged', () => {
    it.each([
      ['no signature, alg none', () => forgeJwt({ header: alg('none'), claims: goodClaims() })],
      ['no signature, alg NONE', () => forgeJwt({ header: alg('NoNe'), claims: goodClaims() })],
      ['no signature, alg HS256', () => forgeJwt({ header: alg('HS256'), claims: goodClaims() })],
      ['alg none over a right signature', () => signed(goodClaims(), { alg: 'none' })],
      ['another algorithm, rightly signed', () => signed(goodClaims(), { alg: 'HS512' })],
      ['an empty algorithm', () => signed(goodClaims(), { alg: '' })],
      ['an algorithm that is no word', () => signed(goodClaims(), { alg: ['HS256'] })],
      ['the secret itself as key', () => withKey(SECRET)],
      ['an empty key', () => withKey('')],
      ['the key id as key', () => withKey(current.id)],
      [
        'another secret\u2019s key',
        () => withKey(new Keyring({ secretKey: OTHER }).derive('access').current.key),
      ],
      ['no key id', () => signed(goodClaims(), { kid: undefined })],
      ['an unknown key id', () => signed(goodClaims(), { kid: 'another' })],
      ['a path as key id', () => signed(goodClaims(), { kid: '../../../../dev/null' })],
      ['SQL as key id', () => signed(goodClaims(), { kid: "' UNION SELECT 'key' --" })],
      ['__proto__ as key id', () => signed(goodClaims(), { kid: '__proto__' })],
      ['an object as key id', () => signed(goodClaims(), { kid: { id: current.id } })],
      ['what it calls critical', () => signed(goodClaims(), { crit: ['exp'] })],
      ['another issuer', () => signed({ ...goodClaims(), iss: 'latchkey2' })],
      ['no issuer', () => signed({ ...goodClaims(), iss: undefined })],
      ['another audience', () => signed({ ...goodClaims(), aud: 'access2' })],
      ['part of the audience', () => signed({ ...goodClaims(), aud: 'acc' })],
      ['no audience', () => signed({ ...goodClaims(), aud: undefined })],
      ['no id', () => signed({ ...goodClaims(), jti: undefined })],
      ['an object for an id', () => signed({ ...goodClaims(), jti: { $ne: null } })],
      ['a list for an id', () => signed({ ...goodClaims(), jti: [id] })],
      ['SQL for an id', () => signed({ ...goodClaims(), jti: `${id}' OR '1'='1` })],
      ['an empty id', () => signed({ ...goodClaims(), jti: '' })],
      ['no end', () => signed({ ...goodClaims(), exp: undefined })],
      ['a word for an end', () => signed({ ...goodClaims(), exp: String(seconds(inAnHour())) })],
      ['null for an end', () => signed({ ...goodClaims(), exp: null })],
      ['a fraction for an end', () => signed({ ...goodClaims(), exp: seconds(inAnHour()) + 0.5 })],
      ['an end beyond all numbers', () => signed({ ...goodClaims(), exp: 1e30 })],
      ['no beginning', () => signed({ ...goodClaims(), iat: undefined })],
      ['a text for claims', () => signed('susan')],
      ['null for claims', () => signed(null)],
      ['a list for claims', () => signed([goodClaims()])],
      ['nothing', () => ''],
      ['dots', () => '..'],
      ['two tokens in one', () => `${signed(goodClaims())}.${signed(goodClaims())}`],
      ['much more than we ever sign', () => signed({ ...goodClaims(), more: 'x'.repeat(1000) })],
      ['a megabyte', () => 'x'.repeat(1_000_000)],
      ['a megabyte behind a good beginning', () => signed(goodClaims()) + 'x'.repeat(1_000_000)],
      ['a number with a thousand digits', () => '1'.repeat(1000)],
    ])('%s', (_, make) => {
      expect(read(make())).toThrow(TokenInvalidError);
    });

    it('every shorter, longer or altered form of a good token', () => {
      const token = tokens.sign('access', id, inAnHour());
      const dots = [token.indexOf('.'), token.lastIndexOf('.')];
      const forms = [
        ...Array.from(token, (_, length) => token.slice(0, length)),
        ...['x', '=', '.', '.x', ' ', '\n', '\0', '%00'].map((end) => token + end),
        ...[' ', '.', '\0'].map((start) => start + token),
        token.toUpperCase(),
        token.toLowerCase(),
        // A bit more or less in the last letter of a part may mean the same bytes; every other letter counts.
        ...Array.from(token, (letter, at) =>
          dots.includes(at) || dots.includes(at + 1) || at + 1 === token.length
            ? `x${token}`
            : token.slice(0, at) + (letter === 'A' ? 'B' : 'A') + token.slice(at + 1),
        ),
      ];
      for (const form of forms) expect(read(form)).toThrow(TokenInvalidError);
    });

    function alg(name: string): object {
      return { alg: name, kid: current.id };
    }

    function withKey(key: string | Buffer): string {
      return forgeJwt({ header: { kid: current.id }, claims: goodClaims(), key });
    }
  });

  it('lets a token live to the second of its end, by our clock only', () => {
    const token = tokens.sign('access', id, secondsAfter(clock.now(), 100));
    clock.advance(98);
    expect(tokens.read('access', token)).toEqual({ id, expired: false });
    clock.advance(3);
    expect(tokens.read('access', token)).toEqual({ id, expired: true });
    clock.advance(-101);
    expect(tokens.read('access', token)).toEqual({ id, expired: false });
  });

  it('never takes an end that is no date for "not yet"', () => {
    const token = signed({ ...goodClaims(), exp: Number.MAX_SAFE_INTEGER });
    expect(tokens.read('access', token)).toEqual({ id, expired: true });
  });

  it('calls a token too old only where it is genuine', () => {
    const past = { ...goodClaims(), exp: seconds(clock.now()) - 10 };
    expect(tokens.read('access', signed(past))).toEqual({ id, expired: true });
    expect(read(forgeJwt({ header: { kid: current.id }, claims: past, key: SECRET }))).toThrow(
      TokenInvalidError,
    );
  });

  describe('when the secret is changed', () => {
    const token = tokens.sign('access', id, inAnHour());

    it('still believes what the previous one signed, and signs with the new one', () => {
      const rotated = new SignedTokens(
        new Keyring({ secretKey: OTHER, previousSecretKeys: [SECRET] }),
        clock,
      );
      expect(rotated.read('access', token)).toEqual({ id, expired: false });
      expect(() => rotated.read('password-reset', token)).toThrow(TokenInvalidError);
      expect(read(rotated.sign('access', id, inAnHour()))).toThrow(TokenInvalidError);
    });

    it('believes nothing of a secret that is no longer listed', () => {
      const replaced = new SignedTokens(new Keyring({ secretKey: OTHER }), clock);
      expect(() => replaced.read('access', token)).toThrow(TokenInvalidError);
    });
  });
});
