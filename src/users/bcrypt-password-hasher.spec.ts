import { Logger } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { createHmac } from 'node:crypto';
import { OverloadedError } from '../common';
import { BcryptPasswordHasher } from './bcrypt-password-hasher';
import { UsersOptions } from './users.options';

const PASSWORD = 'correct horse battery staple';

function hasher(options: Partial<UsersOptions> = {}): BcryptPasswordHasher {
  return new BcryptPasswordHasher(Object.assign(new UsersOptions(), { bcryptCost: 4 }, options));
}

describe('BcryptPasswordHasher', () => {
  let warn: jest.SpyInstance;

  beforeEach(() => {
    warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => warn.mockRestore());

  describe('never takes another password for the right one', () => {
    const long = 'x'.repeat(72);

    it.each([
      ['another letter after byte 72', `${long}a`, `${long}b`],
      ['the first 72 bytes', `${long}a`, long],
      ['another last letter of 256', 'x'.repeat(255) + 'a', 'x'.repeat(255) + 'b'],
      ['another last letter of 64 with 4 bytes each', `${'😀'.repeat(63)}😀`, `${'😀'.repeat(63)}😁`],
      ['what is before a NUL', `${PASSWORD}\0secret`, PASSWORD],
      ['another letter after a NUL', `${PASSWORD}\0a`, `${PASSWORD}\0b`],
      ['capitals', PASSWORD, PASSWORD.toUpperCase()],
      ['a space more', PASSWORD, `${PASSWORD} `],
      ['a space less', ` ${PASSWORD}`, PASSWORD],
      ['nothing', PASSWORD, ''],
      ['full-width letters', 'password with letters', 'ｐａｓｓｗｏｒｄ with letters'],
      ['a ligature', 'office of somebody else', 'oﬃce of somebody else'],
    ])('%s', async (_, right, wrong) => {
      const hash = await hasher().hash(right);
      expect(await hasher().verify(right, hash)).toBe(true);
      expect(await hasher().verify(wrong, hash)).toBe(false);
    });

    it.each([
      ['no account', undefined],
      ['an empty hash', ''],
      ['a hash in clear text', PASSWORD],
      ['a hash of an unknown kind', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA'],
      ['a truncated hash', bcrypt.hashSync(PASSWORD, 4).slice(0, -1)],
      ['a hash with something behind it', `${bcrypt.hashSync(PASSWORD, 4)}x`],
      ['a hash under a pepper that is lost', `$hmac-sha384$0badcafe${bcrypt.hashSync(PASSWORD, 4)}`],
    ])('whatever is typed for %s', async (_, hash) => {
      for (const password of [PASSWORD, '', 'undefined']) {
        expect(await hasher().verify(password, hash)).toBe(false);
      }
    });
  });

  it('takes a letter typed as one code point or as two for the same (NIST SP 800-63B-4)', async () => {
    const hash = await hasher().hash('jos\u00e9 and a long password');
    expect(await hasher().verify('jose\u0301 and a long password', hash)).toBe(true);
  });

  it('hides the password behind pepper and salt', async () => {
    const options = { pepper: 'of the mill' };
    const [first, second] = [await hasher(options).hash(PASSWORD), await hasher(options).hash(PASSWORD)];
    expect(first).toMatch(/^\$hmac-sha384\$[0-9a-f]{8}\$2b\$04\$[./A-Za-z0-9]{53}$/);
    expect(first).not.toBe(second);
    const bcryptHash = first.slice(first.indexOf('$2b'));
    const peppered = createHmac('sha384', 'of the mill').update(PASSWORD).digest('base64');
    expect(await bcrypt.compare(PASSWORD, bcryptHash)).toBe(false);
    expect(await bcrypt.compare(createHmac('sha384', '').update(PASSWORD).digest('base64'), bcryptHash)).toBe(
      false,
    );
    expect(await bcrypt.compare(peppered, bcryptHash)).toBe(true);
    expect(first).not.toContain('mill');
  });

  describe('when the pepper is changed', () => {
    it.each([
      ['from one to another', 'salt', { pepper: 'mill', previousPeppers: ['salt'] }],
      ['twice', 'salt', { pepper: 'new', previousPeppers: ['mill', 'salt'] }],
      ['from none to one, which needs no list', '', { pepper: 'mill' }],
      ['from one to none', 'salt', { pepper: '', previousPeppers: ['salt'] }],
    ])('%s: still knows the passwords, and calls their hashes outdated', async (_, pepper, options) => {
      const hash = await hasher({ pepper }).hash(PASSWORD);
      const rotated = hasher(options);
      expect(await rotated.verify(PASSWORD, hash)).toBe(true);
      expect(await rotated.verify('another password', hash)).toBe(false);
      expect(rotated.isOutdated(hash)).toBe(true);
      const upgraded = await rotated.hash(PASSWORD);
      expect(rotated.isOutdated(upgraded)).toBe(false);
      expect(await rotated.verify(PASSWORD, upgraded)).toBe(true);
    });

    it('refuses every password whose pepper is lost', async () => {
      const hash = await hasher({ pepper: 'salt' }).hash(PASSWORD);
      expect(await hasher({ pepper: 'mill' }).verify(PASSWORD, hash)).toBe(false);
      expect(await hasher({ pepper: 'mill', previousPeppers: ['Salt'] }).verify(PASSWORD, hash)).toBe(false);
    });
  });

  describe('hashes of other systems', () => {
    const plain = bcrypt.hashSync(PASSWORD, 4);

    it.each([
      ['$2b$', plain],
      ['$2a$', plain.replace('$2b$', '$2a$')],
      ['$2y$, as PHP writes it', plain.replace('$2b$', '$2y$')],
    ])('verify when they begin with %s, and are outdated', async (_, hash) => {
      expect(await hasher({ pepper: 'mill' }).verify(PASSWORD, hash)).toBe(true);
      expect(await hasher({ pepper: 'mill' }).verify('another password', hash)).toBe(false);
      expect(hasher().isOutdated(hash)).toBe(true);
    });
  });

  describe('hashes of other systems, of a password with accents', () => {
    const [composed, decomposed] = ['jos\u00e9 and a long password', 'jose\u0301 and a long password'];

    it.each([
      ['composed, typed decomposed', composed, decomposed],
      ['decomposed, typed decomposed', decomposed, decomposed],
      ['composed, typed composed', composed, composed],
    ])('verify where it was %s', async (_, hashed, typed) => {
      expect(await hasher().verify(typed, bcrypt.hashSync(hashed, 4))).toBe(true);
      expect(await hasher().verify(`${typed}!`, bcrypt.hashSync(hashed, 4))).toBe(false);
    });
  });

  describe('never reads what is too long', () => {
    const long = 'a' + '\u0345'.repeat(16_300) + '\u0334'.repeat(16_300);

    it('and finds it wrong for every account, also where it is hashed', async () => {
      const normalized = jest.spyOn(String.prototype, 'normalize');
      for (const hash of [await hasher().hash(PASSWORD), bcrypt.hashSync(long, 4), '!', undefined])
        expect(await hasher().verify(long, hash)).toBe(false);
      await expect(hasher().hash(long)).rejects.toThrow(RangeError);
      expect(normalized.mock.contexts.map(String)).not.toContain(long);
      normalized.mockRestore();
    });
  });

  it('calls a cheaper hash outdated, and a dearer one not', async () => {
    const hash = await hasher({ bcryptCost: 5 }).hash(PASSWORD);
    expect(hasher({ bcryptCost: 6 }).isOutdated(hash)).toBe(true);
    expect(hasher({ bcryptCost: 5 }).isOutdated(hash)).toBe(false);
    expect(hasher({ bcryptCost: 4 }).isOutdated(hash)).toBe(false);
  });

  it('warns once of hashes that take longer to compare than those of today, and of no others', async () => {
    const [cheap, dear] = [bcrypt.hashSync(PASSWORD, 4), bcrypt.hashSync(PASSWORD, 6)];
    const sut = hasher({ bcryptCost: 5 });
    for (const hash of [cheap, await sut.hash(PASSWORD), undefined]) await sut.verify(PASSWORD, hash);
    expect(warn).not.toHaveBeenCalled();
    for (const password of [PASSWORD, 'another password']) await sut.verify(password, dear);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/cost 6.*BCRYPT_COST=5.*Set BCRYPT_COST/)]]);
    expect(warn.mock.calls.join()).not.toContain(dear);
  });

  it('warns once of hashes that it cannot read, without one of them, and of no sealed account', async () => {
    const unreadable = [
      '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA',
      `bcrypt$${bcrypt.hashSync(PASSWORD, 4)}`,
    ];
    const sut = hasher();
    for (const hash of ['!', '!of-another-system', undefined]) await sut.verify(PASSWORD, hash);
    expect(warn).not.toHaveBeenCalled();
    for (const hash of unreadable) await sut.verify(PASSWORD, hash);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/cannot be read.*docs\/run\.md/)]]);
    for (const hash of unreadable) expect(warn.mock.calls.join()).not.toContain(hash);
  });

  describe('does the same work whatever is wrong', () => {
    /** bcrypt at cost n is 2^n rounds. */
    const roundsSpent = async (work: () => Promise<unknown>) => {
      const costs: number[] = [];
      const hash = (_: string, cost: number) => Promise.resolve(costs.push(cost));
      const compare = (_: string, stored: string) =>
        Promise.resolve(costs.push(bcrypt.getRounds(stored)) === 0);
      const spies = [
        jest.spyOn(bcrypt, 'hash').mockImplementation(hash as never),
        jest.spyOn(bcrypt, 'compare').mockImplementation(compare as never),
      ];
      await work();
      spies.forEach((spy) => spy.mockRestore());
      return costs.reduce((sum, cost) => sum + 2 ** cost, 0);
    };
    const hashOfCost = (cost: number) => `$2b$${String(cost).padStart(2, '0')}$${'x'.repeat(53)}`;

    const stored: [string, string | undefined][] = [
      ['no account', undefined],
      ['a sealed account', '!'],
      ['a hash of today', `$hmac-sha384$none${hashOfCost(10)}`],
      ['a hash of another system', hashOfCost(10)],
      ['a hash of cost 4', hashOfCost(4)],
      ['a hash of cost 9', `$hmac-sha384$none${hashOfCost(9)}`],
      ['a lost pepper', `$hmac-sha384$0badcafe${hashOfCost(10)}`],
      ['a hash of an unknown kind', '$argon2id$'],
    ];

    it.each(stored)('%s', async (_, hash) => {
      const sut = hasher({ bcryptCost: 10 });
      for (const length of [1000, 1024, 1025, 50_000])
        expect(await roundsSpent(() => sut.verify('x'.repeat(length), hash))).toBe(2 ** 10);
    });

    it.each(stored)('%s, for a password that has two spellings', async (_, hash) => {
      const sut = hasher({ bcryptCost: 10 });
      expect(await roundsSpent(() => sut.verify('jose\u0301 and more', hash))).toBe(2 * 2 ** 10);
    });

    it.each(stored)('%s: it is normalized and keyed once, before anything is compared', async (_, hash) => {
      const normalized = jest.spyOn(String.prototype, 'normalize');
      await roundsSpent(() => hasher({ bcryptCost: 10 }).verify('jos\u00e9 and more', hash));
      expect(normalized.mock.contexts.map(String)).toEqual(['jos\u00e9 and more']);
      normalized.mockRestore();
    });
  });

  describe('at its limit', () => {
    const options = { hashConcurrency: 1, hashQueueLimit: 2, bcryptCost: 8 };

    it('refuses at once what would have to wait too long, and does the rest', async () => {
      const sut = hasher(options);
      const attempts = Array.from({ length: 8 }, async (_, n) =>
        n % 2 === 0 ? sut.hash(PASSWORD) : sut.verify(PASSWORD, undefined),
      );
      const results = await Promise.allSettled(attempts);
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      expect(refused).toHaveLength(5);
      for (const reason of refused) expect(reason).toBeInstanceOf(OverloadedError);
      expect((refused[0] as OverloadedError).headers['Retry-After']).toMatch(/^[1-9]\d*$/);
    });

    it('computes no more at a time than it may', async () => {
      let running = 0;
      let most = 0;
      const counted = async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      };
      const spy = jest.spyOn(bcrypt, 'hash').mockImplementation(counted as never);
      const sut = hasher({ hashConcurrency: 2, hashQueueLimit: 20 });
      await Promise.all(Array.from({ length: 20 }, () => sut.hash(PASSWORD)));
      spy.mockRestore();
      expect(most).toBe(2);
    });

    it('takes work again when the flood is over, also after a failure', async () => {
      const sut = hasher(options);
      jest.spyOn(bcrypt, 'hash').mockRejectedValueOnce(new Error('no memory') as never);
      await expect(sut.hash(PASSWORD)).rejects.toThrow('no memory');
      await Promise.allSettled(Array.from({ length: 8 }, async () => sut.hash(PASSWORD)));
      expect(await sut.verify(PASSWORD, await sut.hash(PASSWORD))).toBe(true);
    });
  });
});
