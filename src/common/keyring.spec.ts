import { Keyring } from './keyring';

const SECRET = 'a secret of at least 32 bytes, number one';
const OTHER = 'a secret of at least 32 bytes, number two';

const keyOf = (keyring: Keyring, purpose: string) => keyring.derive(purpose).current.key.toString('hex');

describe('Keyring', () => {
  it.each([
    ['empty', ''],
    ['short', 'x'.repeat(31)],
  ])('refuses a secret that is %s, and tells how to make one', (_, secretKey) => {
    expect(() => new Keyring({ secretKey })).toThrow('at least 32 bytes. Make one with: openssl rand');
  });

  it('refuses a short previous secret, which would still open everything', () => {
    expect(() => new Keyring({ secretKey: SECRET, previousSecretKeys: ['short'] })).toThrow('32 bytes');
  });

  it('never tells the secret that it refuses', () => {
    expect(() => new Keyring({ secretKey: 'hunter2' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });

  it('counts bytes, not letters', () => {
    expect(() => new Keyring({ secretKey: '\u00e1'.repeat(16) })).not.toThrow();
    expect(() => new Keyring({ secretKey: '\u00e1'.repeat(15) })).toThrow('32 bytes');
  });

  it('gives every purpose and every secret a key of its own, never the secret itself', () => {
    const keys = ['access', 'password-reset', 'accessx', ''].flatMap((purpose) =>
      [SECRET, OTHER].map((secretKey) => keyOf(new Keyring({ secretKey }), purpose)),
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((key) => Buffer.from(key, 'hex').length === 32)).toBe(true);
    expect(keys).not.toContain(Buffer.from(SECRET).toString('hex'));
  });

  it('gives the same key for the same secret on every machine and after every restart', () => {
    // HKDF-SHA-256 (RFC 5869) with salt "latchkey" and info "access", worked out with another program.
    const { current } = new Keyring({ secretKey: SECRET }).derive('access');
    expect({ id: current.id, key: current.key.toString('base64') }).toEqual({
      id: 'wWu2EYkT',
      key: '348RNeWwkdzBn1jN3fhyCAhDhXMYALkkHX7ecTDpSOE=',
    });
  });

  it('signs with the new secret and still knows the old one', () => {
    const before = new Keyring({ secretKey: SECRET }).derive('access');
    const after = new Keyring({ secretKey: OTHER, previousSecretKeys: [SECRET] }).derive('access');
    expect(after.current.key).toEqual(new Keyring({ secretKey: OTHER }).derive('access').current.key);
    expect(after.byId.get(before.current.id)).toEqual(before.current);
    expect([...after.byId.keys()]).toEqual([after.current.id, before.current.id]);
  });

  it('forgets a secret that is no longer listed', () => {
    const before = new Keyring({ secretKey: SECRET }).derive('access');
    expect(new Keyring({ secretKey: OTHER }).derive('access').byId.has(before.current.id)).toBe(false);
  });
});
