import { LengthPasswordPolicy } from './length-password-policy';
import { UsersOptions } from './users.options';

const SUSAN = { email: 'susan.oneil@example.com', username: 'Susan' };

describe('LengthPasswordPolicy', () => {
  const policy = new LengthPasswordPolicy(new UsersOptions());
  const reasons = async (password: string, account = SUSAN) =>
    (await policy.check(password, account)).map(({ reason }) => reason);

  it.each([
    ['nothing', '', ['too_short']],
    ['14 letters', 'x'.repeat(14), ['too_short']],
    ['14 letters with 2 UTF-16 units each', '😀'.repeat(14), ['too_short']],
    ['14 letters written with 28 code points', 'e\u0301'.repeat(14), ['too_short']],
    ['257 letters', 'x'.repeat(257), ['too_long']],
    ['a megabyte', 'x'.repeat(1_000_000), ['too_long']],
    ['the name', 'my name is susan, hello', ['contains_account']],
    ['the name in capitals', 'MY NAME IS SUSAN, HELLO', ['contains_account']],
    ['the part of the address before the @', 'write to Susan.ONeil please', ['contains_account']],
    ['the whole address', 'x susan.oneil@example.com', ['contains_account']],
    ['the name, and little else', 'susan1', ['too_short', 'contains_account']],
  ])('refuses %s', async (_, password, expected) => {
    expect([...new Set(await reasons(password))]).toEqual(expected);
  });

  it('finds the name however its accents are typed', async () => {
    const account = { email: 'x@example.com', username: 'Jos\u00e9phine' };
    expect(await reasons('my name is jose\u0301phine, hello', account)).toEqual(['contains_account']);
  });

  it.each([
    ['15 letters', 'x'.repeat(15)],
    ['15 letters with 4 bytes each', '😀'.repeat(15)],
    ['256 letters', 'x'.repeat(256)],
    ['256 letters with 4 bytes each', '😀'.repeat(256)],
    ['small letters only', 'correct horse battery staple'],
    ['digits only', '309274650918273'],
    [
      'every printable ASCII character',
      Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)).join(''),
    ],
    ['spaces at both ends', '  thirteen chars  '],
    ['another script', '這是一個只有我才知道的很長的句子'],
  ])('takes %s, without rules of composition', async (_, password) => {
    expect(await reasons(password)).toEqual([]);
  });

  it('does not mind short names, which turn up in innocent words', async () => {
    expect(await reasons('a manual of battery care', { email: 'al@example.com', username: 'Man' })).toEqual(
      [],
    );
  });

  it('says what to do', async () => {
    expect(await policy.check('short', SUSAN)).toEqual([
      { reason: 'too_short', message: 'Use at least 15 characters.' },
    ]);
    expect(await policy.check('x'.repeat(300), SUSAN)).toEqual([
      { reason: 'too_long', message: 'Use at most 256 characters.' },
    ]);
  });

  it('takes the minimum from the options', async () => {
    const lax = new LengthPasswordPolicy(Object.assign(new UsersOptions(), { passwordMinLength: 8 }));
    expect(await lax.check('x'.repeat(8), SUSAN)).toEqual([]);
    expect(await lax.check('x'.repeat(7), SUSAN)).toHaveLength(1);
  });
});
