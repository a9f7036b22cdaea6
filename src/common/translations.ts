import i18next, { i18n } from 'i18next';
import Negotiator from 'negotiator';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Gives the text of a key in one language, with `{{values}}` filled in. The caller escapes for its medium. */
export type Translate = (key: string, values?: Record<string, unknown>) => string;

/** The folder of the templates and locale files that ship with this package. */
export const viewsDirectory = join(__dirname, '..', '..', 'views');

const shippedDirectory = join(viewsDirectory, 'locales');

/** A language that ships with this package, to fall back to. */
const SHIPPED_DEFAULT = 'en';

export interface TranslationsOptions {
  defaultLocale: string;
  /** Folder with one `<locale>.json` each, of a host: these are the languages then. Texts that they lack are ours. */
  directory?: string;
}

/** The languages that ship with this package. */
export function shippedLocales(): string[] {
  return localesIn(shippedDirectory);
}

/** The texts of pages and mails, from one JSON file a language. */
export class Translations {
  readonly locales: readonly string[];
  private readonly i18n: i18n;

  /** @throws Error when there is no file for the default locale */
  constructor(private readonly options: TranslationsOptions) {
    const directory = options.directory ?? shippedDirectory;
    this.locales = localesIn(directory);
    if (!this.locales.includes(options.defaultLocale)) {
      throw new Error(
        `There is no locale "${options.defaultLocale}" in ${directory}; there are: ${this.locales.join(', ')}`,
      );
    }
    this.i18n = i18next.createInstance({
      resources: readTexts(directory),
      fallbackLng: [options.defaultLocale, SHIPPED_DEFAULT],
      supportedLngs: [...this.locales, SHIPPED_DEFAULT],
      defaultNS: 'own',
      fallbackNS: 'shipped',
      initAsync: false,
      // Texts go into Pug (which escapes) and into plain-text mails (where an escaped "&" would show).
      interpolation: { escapeValue: false },
    });
    void this.i18n.init();
  }

  /** @returns the texts of `locale`, or of the default one where there is no file for it */
  translator(locale: string | null | undefined): Translate {
    return this.i18n.getFixedT(this.supported(locale));
  }

  /** @returns the locale that exists and fits best: the given one, or the default */
  supported(locale: string | null | undefined): string {
    return locale && this.locales.includes(locale) ? locale : this.options.defaultLocale;
  }

  /** @returns the best locale for an `Accept-Language` header */
  negotiate(acceptLanguage: string | undefined): string {
    const negotiator = new Negotiator({ headers: { 'accept-language': acceptLanguage } });
    const { defaultLocale } = this.options;
    const others = this.locales.filter((locale) => locale !== defaultLocale);
    return negotiator.language([defaultLocale, ...others]) ?? defaultLocale;
  }
}

function localesIn(directory: string): string[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.map((file) => file.slice(0, -'.json'.length));
}

/** By language: the texts of a folder, and ours for what they lack where it is not our own. */
function readTexts(directory: string): Record<string, Record<'own' | 'shipped', object>> {
  const languages = new Set([...localesIn(directory), ...shippedLocales()]);
  return Object.fromEntries(
    [...languages].map((locale) => [
      locale,
      {
        own: readLocale(directory, locale),
        shipped: directory === shippedDirectory ? {} : readLocale(shippedDirectory, locale),
      },
    ]),
  );
}

function readLocale(directory: string, locale: string): object {
  const file = join(directory, `${locale}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {};
}
