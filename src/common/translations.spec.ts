import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Translations } from './translations';

describe('Translations', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-locales-'));
  const write = (locale: string, texts: object) =>
    writeFileSync(join(directory, `${locale}.json`), JSON.stringify(texts));
  write('en', {
    greeting: 'Dear {{name}}',
    only: { here: 'only in English' },
    minutes_one: '{{count}} minute',
    minutes_other: '{{count}} minutes',
  });
  write('de', { greeting: 'Hallo {{name}}' });
  write('zh-TW', { greeting: '{{name}} 您好' });
  writeFileSync(join(directory, 'README.md'), 'not a locale');
  afterAll(() => rmSync(directory, { recursive: true }));

  const translations = new Translations({ defaultLocale: 'en', directory });

  it('knows a language for each file', () => {
    expect([...translations.locales].sort()).toEqual(['de', 'en', 'zh-TW']);
  });

  it.each([
    ['de', 'Hallo Susan'],
    ['zh-TW', 'Susan 您好'],
    ['fr', 'Dear Susan'],
    ['', 'Dear Susan'],
    [null, 'Dear Susan'],
    [undefined, 'Dear Susan'],
    ['../../package', 'Dear Susan'],
    ['__proto__', 'Dear Susan'],
    ['constructor', 'Dear Susan'],
  ])('speaks %s as well as it can', (locale, greeting) => {
    expect(translations.translator(locale)('greeting', { name: 'Susan' })).toBe(greeting);
  });

  it.each([
    ['zh-TW', 'zh-TW'],
    ['zh-tw', 'zh-TW'],
    ['zh_TW', 'zh-TW'],
    ['zh-Hant-TW', 'zh-TW'],
    ['zh-HK', 'zh-TW'],
    ['zh', 'zh-TW'],
    ['zh-CN', undefined],
    ['zh-Hans', undefined],
    ['en-US', 'en'],
    ['en_US', 'en'],
    ['EN-gb', 'en'],
    ['de-Latn-AT-1996', 'de'],
    ['fr', undefined],
    ['english', undefined],
    ['en\n', undefined],
    [`en-${'x'.repeat(300)}`, undefined],
    ['', undefined],
    [null, undefined],
  ])('takes %j for the language that fits best: %s', (wish, locale) => {
    expect(translations.closest(wish)).toBe(locale);
    expect(translations.supported(wish)).toBe(locale ?? 'en');
  });

  it('fills a gap of one language from the default one', () => {
    expect(translations.translator('de')('only.here')).toBe('only in English');
  });

  it('fills what the folder of a host lacks in every language from ours, and never shows a bare key', () => {
    const german = new Translations({ defaultLocale: 'de', directory });
    expect(german.translator('de')('mail.closing')).toBe('Sincerely,');
    expect(german.translator('zh-TW')('mail.closing')).not.toBe('Sincerely,');
    expect([...german.locales].sort()).toEqual(['de', 'en', 'zh-TW']);
  });

  it('offers the languages of a host only, also where ours fill a gap', () => {
    const frenchOnly = mkdtempSync(join(tmpdir(), 'latchkey-locales-'));
    writeFileSync(join(frenchOnly, 'fr.json'), JSON.stringify({ greeting: 'Bonjour {{name}}' }));
    const french = new Translations({ defaultLocale: 'fr', directory: frenchOnly });
    rmSync(frenchOnly, { recursive: true });
    expect([french.locales, french.supported('en'), french.negotiate('en')]).toEqual([['fr'], 'fr', 'fr']);
    expect(french.translator('en')('greeting', { name: 'Susan' })).toBe('Bonjour Susan');
    expect(french.translator('fr')('mail.closing')).toBe('Sincerely,');
  });

  it('puts in plurals', () => {
    const t = translations.translator('en');
    expect([t('minutes', { count: 1 }), t('minutes', { count: 10 })]).toEqual(['1 minute', '10 minutes']);
  });

  it.each([
    '<b>Susan</b> & "co"',
    '{{name}}',
    '{{token}}',
    '$t(only.here)',
    '$t(greeting, {"name": "x"})',
    '$&',
  ])('puts in the value %s as it is: no markup, no second reading', (name) => {
    expect(translations.translator('en')('greeting', { name })).toBe(`Dear ${name}`);
  });

  it.each([
    ['de', 'de'],
    ['de-AT,de;q=0.9,en;q=0.5', 'de'],
    ['zh-TW,zh;q=0.9', 'zh-TW'],
    ['ZH-tw', 'zh-TW'],
    ['fr,de;q=0.1', 'de'],
    ['de;q=0.1,en', 'en'],
    ['fr', 'en'],
    ['*', 'en'],
    ['*;q=0', 'en'],
    ['de;q=0', 'en'],
    ['', 'en'],
    [undefined, 'en'],
    [';;;,,,q=', 'en'],
    ['../../etc/passwd', 'en'],
    ['\u0000', 'en'],
    ['de,'.repeat(10_000), 'de'],
  ])('reads Accept-Language %p', (header, locale) => {
    expect(translations.negotiate(header)).toBe(locale);
  });

  it('prefers the default language to others that are as welcome', () => {
    expect(new Translations({ defaultLocale: 'de', directory }).negotiate('*')).toBe('de');
    expect(new Translations({ defaultLocale: 'zh-TW', directory }).negotiate(undefined)).toBe('zh-TW');
  });

  it('does not start without the default language, and tells which there are', () => {
    expect(() => new Translations({ defaultLocale: 'fr', directory })).toThrow(
      /There is no locale "fr" in .*; there are: de, en, zh-TW/,
    );
  });

  it('finds the languages that ship with the package by itself', () => {
    expect(new Translations({ defaultLocale: 'en' }).locales).toContain('zh-TW');
  });
});
