import { promises, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PasswordStrength } from './password-strength';

/** An estimate takes milliseconds, and there are fifty thousand listed passwords. */
const ONE_IN = 500;

describe('PasswordStrength', () => {
  const strength = new PasswordStrength();
  const file = readFileSync(join(__dirname, 'common-passwords.txt'), 'utf8');
  const [header, ...rest] = file.split('\n\n');
  const listed = rest.join('\n\n').trimEnd().split('\n');

  it('says where the list of common passwords comes from', () => {
    expect(header).toMatch(/^# Common passwords.*Source:.*public domain.*SecLists/s);
  });

  it.each([8, 15])(
    'lists the ten thousand most common of at least %d characters, or all there are',
    (length) => {
      expect(listed.filter((password) => [...password].length >= length).length).toBeGreaterThan(9_500);
    },
  );

  it('takes no more guesses than there are listed passwords for the first, the last and all between', async () => {
    const most = Math.log10(listed.length + 1);
    for (const password of [listed[0]!, listed.at(-1)!, ...listed.filter((_, n) => n % ONE_IN === 0)])
      expect([password, (await strength.guessesLog10(password)) <= most]).toEqual([password, true]);
  });

  it.each(['password1', 'PASSWORD1', '1qaz2wsx3edc4rfv', 'qwertyuiopasdfghjkl', 'NeverSayMyPassword'])(
    'finds %s in the list, however it is capitalized',
    async (password) => {
      expect(await strength.guessesLog10(password)).toBeLessThan(5);
    },
  );

  it('reads the list again where it could not be read', async () => {
    const reading = jest.spyOn(promises, 'readFile').mockRejectedValueOnce(new Error('too many open files'));
    const unlucky = new PasswordStrength();
    await expect(unlucky.guessesLog10('password1')).rejects.toThrow('too many open files');
    expect(await unlucky.guessesLog10('password1')).toBeLessThan(5);
    expect(await unlucky.guessesLog10('password2')).toBeLessThan(5);
    expect(reading).toHaveBeenCalledTimes(2);
    reading.mockRestore();
  });

  it('estimates the beginning of a long password, and no more', async () => {
    const beginning = 'tr0ub4dor & 3 other 31337 h4x0rs, at 12:34 on 1999-12-31';
    const guesses = await strength.guessesLog10(beginning);
    expect(guesses).toBeGreaterThan(20);
    expect(await strength.guessesLog10(beginning + ' 0123456789'.repeat(50))).toBe(guesses);
  });
});
