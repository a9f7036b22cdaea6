import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { viewsDirectory } from '../common';

const directory = join(viewsDirectory, 'locales');
const locales = readdirSync(directory).map((file) => file.replace('.json', ''));

function textsOf(locale: string): Record<string, string> {
  const texts: Record<string, string> = {};
  const walk = (node: object, path: string) =>
    Object.entries(node).forEach(([key, value]: [string, unknown]) => {
      if (typeof value === 'string') texts[path + key] = value;
      else walk(value as object, `${path}${key}.`);
    });
  walk(JSON.parse(readFileSync(join(directory, `${locale}.json`), 'utf8')) as object, '');
  return texts;
}

/** `x_one` and `x_other` are forms of one text; each language has its own set of forms. */
const plural = /_(zero|one|two|few|many|other)$/;
const keysOf = (texts: Record<string, string>) =>
  [...new Set(Object.keys(texts).map((key) => key.replace(plural, '')))].sort();
const placeholdersOf = (text = '') => [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name).sort();

describe('locale files', () => {
  const english = textsOf('en');

  it.each(locales)('%s has every text, and no other', (locale) => {
    expect(keysOf(textsOf(locale))).toEqual(keysOf(english));
  });

  it.each(locales)('%s has every plural form of its language', (locale) => {
    const texts = textsOf(locale);
    const counted = new Set(
      Object.keys(texts)
        .filter((key) => plural.test(key))
        .map((key) => key.replace(plural, '')),
    );
    const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    for (const key of counted) {
      expect(forms.filter((form) => texts[`${key}_${form}`] === undefined)).toEqual([]);
    }
  });

  it.each(locales)('%s fills in the same values', (locale) => {
    for (const [key, text] of Object.entries(textsOf(locale))) {
      expect([key, placeholdersOf(text)]).toEqual([
        key,
        placeholdersOf(english[key] ?? english[key.replace(plural, '_other')]),
      ]);
    }
  });
});
