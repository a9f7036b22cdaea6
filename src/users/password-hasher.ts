/** Turns passwords into what may be stored. Default: {@link BcryptPasswordHasher}. */
export abstract class PasswordHasher {
  /** @throws OverloadedError if too many hashes are requested at once */
  abstract hash(password: string): Promise<string>;

  /**
   * @param hash `undefined` if there is no such account: takes as long as any other and is never right, so that the time
   *   of a sign-in reveals nothing (OWASP Authentication cheat sheet)
   * @throws OverloadedError if too many hashes are requested at once
   */
  abstract verify(password: string, hash: string | undefined): Promise<boolean>;

  /** Whether a hash was made in a weaker way than new ones are. */
  abstract isOutdated(hash: string): boolean;
}
