/** What all modules share: the secret that keys are derived from, and the language of people who have chosen none. */
export class CommonOptions {
  /** At least 32 bytes of randomness, e.g. from `openssl rand -base64 48`. */
  secretKey!: string;
  /** Earlier secrets; what they signed is still accepted. */
  previousSecretKeys: readonly string[] = [];
  defaultLocale = 'en';
  /** Folder with one `<locale>.json` each; default: the texts that ship with this package. */
  localesDirectory?: string;
}
