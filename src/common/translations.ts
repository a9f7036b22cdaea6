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

/** Those of browsers have some dozen characters; of more only the beginning is read. */
const LONGEST_ACCEPT_LANGUAGE = 512;

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
  private readonly translators = new Map<string, Translate>();

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
    const language = this.supported(locale);
    const known = this.translators.get(language);
    if (known) return known;
    const translate = remembering(this.i18n.getFixedT(language));
    this.translators.set(language, translate);
    return translate;
  }

  /** @returns the locale that exists and fits best: as {@link closest}, or the default */
  supported(locale: string | null | undefined): string {
    return this.closest(locale) ?? this.options.defaultLocale;
  }

  /**
   * The locale that exists for a language as a person or a program names it: `en-US`, `zh_tw` and `zh-Hant-HK` find `en`
   * and `zh-TW`; `zh-CN`, which is another script, does not (RFC 4647, section 3.4; likely subtags of UTS #35).
   * @returns `undefined` where there is none, or the name is none
   */
  closest(wish: string | null | undefined): string | undefined {
    if (!wish) return undefined;
    if (this.locales.includes(wish)) return wish;
    const wanted = parseLocale(wish);
    const fitting = this.locales.filter((name) => wanted && fits(parseLocale(name), wanted));
    return fitting.find((name) => parseLocale(name)?.baseName === wanted?.baseName) ?? fitting[0];
  }

  /** @returns the best locale for an `Accept-Language` header */
  negotiate(acceptLanguage: string | undefined): string {
    const header = acceptLanguage?.slice(0, LONGEST_ACCEPT_LANGUAGE);
    const negotiator = new Negotiator({ headers: { 'accept-language': header } });
    const { defaultLocale } = this.options;
    const others = this.locales.filter((locale) => locale !== defaultLocale);
    return negotiator.language([defaultLocale, ...others]) ?? defaultLocale;
  }
}

/** Longer than any language tag that means something (RFC 5646, section 4.4.1). */
export const LONGEST_LOCALE = 35;

function parseLocale(name: string): Intl.Locale | undefined {
  if (name.length > LONGEST_LOCALE) return undefined;
  try {
    return new Intl.Locale(name.replaceAll('_', '-'));
  } catch {
    return undefined;
  }
}

/** Whether who wants one language can read the other; a language alone, such as `zh`, takes any script of it. */
function fits(known: Intl.Locale | undefined, wanted: Intl.Locale): boolean {
  if (known?.language !== wanted.language) return false;
  const isLanguageAlone = !wanted.script && !wanted.region;
  return isLanguageAlone || known.maximize().script === wanted.maximize().script;
}

/** Looks a text up once that no value but a count is put into: the counts are settings, such as the lifetime of a link. */
function remembering(translate: Translate): Translate {
  const texts = new Map<string, string>();
  return (key, values = {}) => {
    const { count, ...others } = values;
    if (Object.keys(others).length > 0) return translate(key, values);
    const id = `${key} ${count as number}`;
    const text = texts.get(id) ?? translate(key, values);
    texts.set(id, text);
    return text;
  };
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
