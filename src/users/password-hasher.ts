/** Turns passwords into what may be stored. Default: {@link BcryptPasswordHasher}. */
export abstract class PasswordHasher {
  /** @throws OverloadedError when too many hashes are wanted at once */
  abstract hash(password: string): Promise<string>;

  /**
   * @param hash `undefined` where there is no such account: takes as long as any other and is never right, so that the
   *   time of a sign-in tells nothing (OWASP Authentication cheat sheet)
   * @throws OverloadedError when too many hashes are wanted at once
   */
  abstract verify(password: string, hash: string | undefined): Promise<boolean>;

  /** Whether a hash was made in a weaker way than new ones are. */
  abstract isOutdated(hash: string): boolean;
}
