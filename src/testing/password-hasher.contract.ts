import { PasswordHasher } from '../users';

/** What every {@link PasswordHasher} promises. */
export function passwordHasherContract(hasher: () => PasswordHasher): void {
  it('knows the password of a hash, and no other', async () => {
    const hash = await hasher().hash('correct horse battery staple');
    expect(await hasher().verify('correct horse battery staple', hash)).toBe(true);
    expect(await hasher().verify('correct horse battery stapl', hash)).toBe(false);
    expect(await hasher().verify('', hash)).toBe(false);
  });

  it('gives nothing away: no two hashes of a password are alike, and none shows it', async () => {
    const hashes = [await hasher().hash('correct horse'), await hasher().hash('correct horse')];
    expect(hashes[0]).not.toBe(hashes[1]);
    expect(hashes[0]).not.toContain('correct horse');
  });

  it.each([
    ['the end of a very long one', `${'long '.repeat(50)}a`, `${'long '.repeat(50)}b`],
    ['what follows a NUL', 'before\0after', 'before\0other'],
    ['case', 'Correct Horse', 'correct horse'],
    ['spaces', ' correct horse', 'correct horse'],
  ])('minds every character of a password: %s', async (_, password, other) => {
    const hash = await hasher().hash(password);
    expect(await hasher().verify(password, hash)).toBe(true);
    expect(await hasher().verify(other, hash)).toBe(false);
  });

  it('takes a letter for the same, however the keyboard composed it', async () => {
    const hash = await hasher().hash('caf\u00e9 au lait');
    expect(await hasher().verify('cafe\u0301 au lait', hash)).toBe(true);
  });

  it('finds no password right for an account that is not there', async () => {
    expect(await hasher().verify('', undefined)).toBe(false);
    expect(await hasher().verify('correct horse', undefined)).toBe(false);
  });

  it('takes a hash that it cannot read for wrong and outdated, not for an error', async () => {
    expect(await hasher().verify('correct horse', 'not a hash')).toBe(false);
    expect(hasher().isOutdated('not a hash')).toBe(true);
  });

  it('finds its own hashes up to date', async () => {
    expect(hasher().isOutdated(await hasher().hash('correct horse'))).toBe(false);
  });
}
