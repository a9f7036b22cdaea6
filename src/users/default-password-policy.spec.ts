import { BreachedPasswords } from './breached-passwords';
import { DefaultPasswordPolicy } from './default-password-policy';
import { PasswordStrength } from './password-strength';
import { UsersOptions } from './users.options';

const SUSAN = { email: 'susan.oneil@example.com', username: 'Susan' };

function policyWith(options: Partial<UsersOptions> = {}): DefaultPasswordPolicy {
  const all = Object.assign(new UsersOptions(), options);
  return new DefaultPasswordPolicy(all, new PasswordStrength(), new BreachedPasswords(all));
}

/** Different characters, none a neighbor of the one before. */
function characters(count: number, first = 'A'.codePointAt(0)!): string {
  return Array.from({ length: count }, (_, n) => String.fromCodePoint(first + ((n * 7) % 300))).join('');
}

describe('DefaultPasswordPolicy', () => {
  const policy = policyWith({ contextWords: ['Latchkey Demo', 'id.shop.example.com'] });
  const reasons = async (password: string, account = SUSAN) =>
    (await policy.check(password, account)).map(({ reason }) => reason);

  it.each([
    ['nothing', '', ['too_short']],
    ['14 letters', characters(14), ['too_short']],
    ['14 letters with 2 UTF-16 units each', characters(14, 0x1f600), ['too_short']],
    ['14 letters written with 28 code points', 'e\u0301'.repeat(14), ['too_short']],
    ['257 letters', characters(257), ['too_long']],
    ['a megabyte', 'x'.repeat(1_000_000), ['too_long']],
    [
      'an unreadably long one, without reading it',
      'a' + '\u0345'.repeat(1000) + '\u0334'.repeat(1000),
      ['too_long'],
    ],
    ['the name, filled up', 'susan is susan!!', ['contains_account']],
    ['the name in capitals', 'SUSAN: SUSAN, 123', ['contains_account']],
    ['the part of the address before the @', 'to Susan.ONeil 2', ['contains_account']],
    ['the whole address', 'x susan.oneil@example.com', ['contains_account']],
    ['the name, and little else', 'susan1', ['too_short', 'contains_account']],
  ])('refuses %s', async (_, password, expected) => {
    expect([...new Set(await reasons(password))]).toEqual(expected);
  });

  it('finds the name however its accents are typed', async () => {
    const account = { email: 'x@example.com', username: 'Jos\u00e9phine' };
    expect(await reasons('it is jose\u0301phine', account)).toEqual(['contains_account']);
  });

  it.each([
    ['Rose', 'primrose hill before the dawn'],
    ['Will', 'where there is a will there is a way'],
    ['mail', 'snail mail is slower than a tortoise'],
    ['Susan', 'my name is susan, hello'],
  ])('does not mind that %s is in a phrase which is good without it: %s', async (username, password) => {
    const email = `${username.toLowerCase()}@example.com`;
    expect(await reasons(password, { email, username })).toEqual([]);
  });

  it('reads no name that is longer than any password', async () => {
    const normalized = jest.spyOn(String.prototype, 'normalize');
    await reasons(characters(20), { email: 'x@example.com', username: '\u0345\u0334'.repeat(10_000) });
    const lengths = normalized.mock.contexts.map((text) => (text as string).length);
    normalized.mockRestore();
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1024);
  });

  describe('refuses what is common', () => {
    it.each([
      ['a listed one', 'perasperaadastra'],
      ['a listed one in capitals', 'ManchesterUnited'],
      ['one letter', 'a'.repeat(15)],
      ['one letter 256 times', 'x'.repeat(256)],
      ['one emoji', '😀'.repeat(15)],
      ['one accented letter, typed in two ways', 'e\u0301\u00e9'.repeat(10)],
      ['three letters', 'abc'.repeat(5)],
      ['three letters and a part of them', 'xyq'.repeat(5) + 'x'],
      ['seven letters', 'qzmprtvqzmprtvq'],
      ['a listed one twice', 'passwordpassword'],
      ['a listed one three times, capitalized', 'BaseballBaseballBaseball'],
      ['digits in order', '123456789012345'],
      ['digits in reverse', '987654321098765'],
      ['digits in pairs', '1122334455667788'],
      ['the alphabet', 'abcdefghijklmnop'],
      ['rows of the keyboard', 'qwertyuiopasdfgh'],
      ['rows of the keyboard in reverse', 'poiuytrewqlkjhgf'],
      ['rows of another keyboard', 'йцукенгшщзхъфывап'],
      ['columns of the keyboard', '1qaz2wsx3edc4rfv5tgb'],
      ['two rows at once', '1q2w3e4r5t6y7u8i'],
      ['rows and digits', 'QWERTYuiop!!!1234567'],
      ['letters in blocks', 'aaaabbbbccccddddeeee'],
      ['a common one and digits', 'password1234567'],
      ['a common one with signs for letters, and digits', 'P@ssw0rd12345678'],
      ['a season twice around a year', 'Summer2026!Summer'],
      ['a month twice around a year', 'January2026January'],
      ['two common ones and a year', 'football2024football'],
      ['a common one twice, each with a sign', 'Passw0rd!Passw0rd!'],
      ['a listed one with a digit', 'perasperaadastra1'],
      ['dates', '2026-01-01-2026'],
      ['two words', 'purple tortoise'],
    ])('%s', async (_, password) => {
      expect(await reasons(password)).toEqual(['common']);
    });

    it.each([
      ['a phrase with a listed one in it', 'my password is a baseball bat'],
      ['a listed one and as much again', 'manchesterunited lost on a wet monday'],
      ['a phrase with runs in it', 'street 12345, stuttgart'],
      ['a phrase of eight letters, twice', 'oak gnome oak gnome '],
      ['double letters', 'committee bookkeepers'],
      ['three short words', 'tractor bee lemon'],
      ['four words', 'correct horse battery staple'],
      ['four words without spaces', 'correcthorsebatterystaple'],
      ['words of another language', 'mein hund frisst gern'],
    ])('but not %s', async (_, password) => {
      expect(await reasons(password)).toEqual([]);
    });
  });

  describe('refuses what is little more than the words of the site and of the account', () => {
    it.each([
      ['the name of the site twice', 'LatchkeyLatchkey'],
      ['the name of the site and a year', 'Latchkey-Demo-2025'],
      ['the name of the site, filled up', 'latchkey!!!!!!!!!!!!!!'],
      ['the host', 'id.shop.example.com'],
      ['the host and the name of the site', 'shop.latchkey.demo.1'],
      ['the host around a word', 'example.com boat shop'],
    ])('%s', async (_, password) => {
      expect(await reasons(password)).toEqual(['contains_account']);
    });

    it('the address, however short the part before the @', async () => {
      const account = { email: 'al@mail.example.org', username: 'Al' };
      expect(await reasons('al@mail.example.org', account)).toEqual(['contains_account']);
      expect(await reasons('al@mail.example.org 1', account)).toEqual(['contains_account']);
    });

    it.each([
      ['a phrase with the name of the site', 'let me in to latchkey'],
      ['a phrase with the host', 'at example.com I buy socks'],
    ])('but not %s', async (_, password) => {
      expect(await reasons(password)).toEqual([]);
    });
  });

  it.each([
    ['15 letters', characters(15)],
    ['15 letters with 4 bytes each', characters(15, 0x1f600)],
    ['64 letters', characters(64)],
    ['256 letters', characters(256)],
    ['256 letters with 4 bytes each', characters(256, 0x1f600)],
    ['small letters only', 'correct horse battery staple'],
    ['digits only', '309274650918273'],
    [
      'every printable ASCII character',
      Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + ((n * 7) % 95))).join(''),
    ],
    ['spaces at both ends', '  thirteen chars  '],
    ['another script', '這是一個只有我才知道的很長的句子'],
  ])('takes %s, without rules of composition', async (_, password) => {
    expect(await reasons(password)).toEqual([]);
  });

  it('says what to do', async () => {
    expect(await policy.check('short', SUSAN)).toEqual([
      { reason: 'too_short', message: 'Use at least 15 characters.' },
    ]);
    expect(await policy.check(characters(300), SUSAN)).toEqual([
      { reason: 'too_long', message: 'Use at most 256 characters.' },
    ]);
    expect(await policy.check('passwordpassword', SUSAN)).toEqual([
      { reason: 'common', message: 'Choose one that is harder to guess.' },
    ]);
  });

  it('takes the minimum from the options, and measures what is little by it', async () => {
    const lax = policyWith({ passwordMinLength: 8 });
    expect(await lax.check('committe', SUSAN)).toEqual([]);
    expect(await lax.check('commit!', SUSAN)).toMatchObject([{ reason: 'too_short' }]);
    for (const password of ['password', 'xxxxxxxx', '12345678', 'qwertz12'])
      expect(await lax.check(password, SUSAN)).toMatchObject([{ reason: 'common' }]);
  });
});
