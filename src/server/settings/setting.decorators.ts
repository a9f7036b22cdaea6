import { applyDecorators } from '@nestjs/common';
import { ValidateBy } from 'class-validator';
import { isStrongSecret, IsStrongSecret, parseEmailAddress } from '../../common';

/** What there is to say about one setting; its type and its default are those of the property, its rules are other decorators. */
export interface SettingDescription {
  /** The property of `Settings`. */
  key: string;
  /** The environment variable. */
  name: string;
  /** What it means, in one sentence of Markdown. */
  sentence: string;
  type: unknown;
  /** A `key` is random, so quotes may be part of it; a `credential` holds a password. */
  secret?: 'key' | 'credential';
  /** What happens where it is not set and has no fixed default. */
  unset?: string;
  /** The value in `.env.example`, where there is no fixed default. */
  example?: string;
}

const descriptions: SettingDescription[] = [];

/** All settings, in the order of the documentation. */
export const settingDescriptions: readonly SettingDescription[] = descriptions;

/** Property decorator: reads the property from an environment variable, and describes it. */
export function Setting(
  name: string,
  sentence: string,
  more: Pick<SettingDescription, 'secret' | 'unset' | 'example'> = {},
): PropertyDecorator {
  return (prototype, property) => {
    const type: unknown = Reflect.getMetadata('design:type', prototype, property);
    descriptions.push({ key: String(property), name, sentence, type, ...more });
  };
}

/** Property decorator: a strong secret that a comma list of previous ones could hold. */
export function IsListableSecret(): PropertyDecorator {
  return applyDecorators(
    IsStrongSecret(),
    Holds(
      // What a list would split or trim could not be accepted any more once it is a previous one.
      (secret) => !isStrongSecret(secret) || (!secret.includes(',') && secret.trim() === secret),
      'must have no comma in it and no space or line end around it; make one with: openssl rand -base64 48',
    ),
  );
}

/** Property decorator: a list of e-mail addresses with at least one in it. */
export function IsAddressList(): PropertyDecorator {
  return Holds(
    (addresses) => Array.isArray(addresses) && addresses.length > 0 && addresses.every(parseEmailAddress),
    'must be a comma list of e-mail addresses',
  );
}

/** Property decorator: a list of origins, each as a browser writes it. */
export function IsOriginList(): PropertyDecorator {
  return Holds(
    (origins) => Array.isArray(origins) && origins.every(isOrigin),
    'must be a comma list of origins such as https://app.example.com, without a path or "*"',
  );
}

function Holds(validate: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name: 'holds', validator: { validate } }, { message });
}

/** Schemes whose pages have no origin of their own: browsers write `null` for it. */
const WITHOUT_ORIGIN = ['file', 'data', 'blob', 'about', 'javascript'];

/**
 * Exactly as a browser writes it into `Origin`: anything else would never match, and nobody would know why. URL parsers call
 * the origin of other schemes `null`, while web views and extensions write scheme and host.
 */
function isOrigin(text: string): boolean {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[^\s/?#@\\*]+$/.exec(text) ?? [];
  if (scheme === undefined || !URL.canParse(text)) return false;
  if (scheme === 'http' || scheme === 'https') return new URL(text).origin === text;
  return !WITHOUT_ORIGIN.includes(scheme);
}
