import { IsOptional } from 'class-validator';
import { IsStrongSecret, IsText, IsTextList } from './setting-rules';

/** What all modules share: the secret that keys are derived from, and the language of people who have chosen none. */
export class CommonOptions {
  /** At least 32 bytes of randomness, e.g. from `openssl rand -base64 48`. */
  @IsStrongSecret()
  secretKey!: string;
  /** Earlier secrets; what they signed is still accepted. */
  @IsTextList()
  @IsStrongSecret({ each: true })
  previousSecretKeys: readonly string[] = [];
  @IsText()
  defaultLocale = 'en';
  /** Folder with one `<locale>.json` each; default: the texts that ship with this package. */
  @IsOptional()
  @IsText()
  localesDirectory?: string;
}
