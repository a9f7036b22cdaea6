import { promises, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommonPasswords } from './common-passwords';

describe('CommonPasswords', () => {
  const common = new CommonPasswords();
  const file = readFileSync(join(__dirname, '..', '..', 'data', 'common-passwords.txt'), 'utf8');
  const [header, ...rest] = file.split('\n\n');
  const listed = rest.join('\n\n').trimEnd().split('\n');

  it('says where they come from', () => {
    expect(header).toMatch(/^# Common passwords.*Source:.*public domain.*SecLists/s);
  });

  it.each([8, 15])(
    'has the ten thousand most common of at least %d characters, or all there are',
    (length) => {
      expect(listed.filter((password) => [...password].length >= length).length).toBeGreaterThan(9_500);
    },
  );

  it('includes the first, the last and all between', async () => {
    for (const password of [listed[0]!, listed.at(-1)!, ...listed.filter((_, n) => n % 50 === 0)])
      expect([password, await common.include(password)]).toEqual([password, true]);
  });

  it.each(['password1', 'PASSWORD1', '1qaz2wsx3edc4rfv', 'qwertyuiopasdfghjkl', 'NeverSayMyPassword'])(
    'includes %s',
    async (password) => {
      expect(await common.include(password)).toBe(true);
    },
  );

  it('are read again where they could not be read', async () => {
    const reading = jest.spyOn(promises, 'readFile').mockRejectedValueOnce(new Error('too many open files'));
    const unlucky = new CommonPasswords();
    await expect(unlucky.include('password1')).rejects.toThrow('too many open files');
    expect([await unlucky.include('password1'), await unlucky.include('password2')]).toEqual([true, true]);
    expect(reading).toHaveBeenCalledTimes(2);
    reading.mockRestore();
  });

  it.each(['asswordpassword', 'passwordpasswor', 'my passwordpassword', 'correct horse battery staple'])(
    'compares the whole password: does not include "%s"',
    async (password) => {
      expect(await common.include(password)).toBe(false);
    },
  );
});
