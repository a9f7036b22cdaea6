import { mailboxKey, parseEmailAddress } from './email-address';

const keyOf = (address: unknown) => parseEmailAddress(address)?.key;

describe('parseEmailAddress', () => {
  describe('never takes two spellings of two mailboxes for one (CVE-2019-19844)', () => {
    it.each([
      ['a dotless i (U+0131)', 'm\u0131ke@example.org'],
      ['an I with a dot (U+0130)', 'M\u0130KE@example.org'],
      ['a long s (U+017F)', '\u017fusan@example.org'],
      ['a Kelvin sign (U+212A)', 'mi\u212ae@example.org'],
      ['a sharp s, which is "SS" in capitals', 'stra\u00dfe@example.org'],
      ['a ligature', '\ufb01ona@example.org'],
      ['full-width letters', '\uff53usan@example.org'],
      ['an accent on a letter that loses it in capitals', 'j\u030cose@example.org'],
      ['an Ohm sign, a twin of omega', '\u2126mega@example.org'],
      ['an accent that is a twin of another', 'jose\u0341@example.org'],
      ['an invisible character', 'su\u200bsan@example.org'],
      ['a soft hyphen', 'su\u00adsan@example.org'],
      ['a mark that turns the text around', 'su\u202esan@example.org'],
      ['the same in the domain', 'susan@\u212aexample.org'],
      ['a soft hyphen in the domain', 'susan@exam\u00adple.org'],
    ])('and refuses %s', (_, address) => {
      expect(parseEmailAddress(address)).toBeUndefined();
    });

    it('and folds ASCII letters only, so that keys are compared byte by byte', () => {
      expect(keyOf('SUSAN@Example.ORG')).toBe('susan@example.org');
      expect(keyOf('SUS\u00c1N@example.org')).not.toBe(keyOf('sus\u00e1n@example.org'));
    });

    it('and gives an accent, a dot, a tag and a look-alike letter an account of its own', () => {
      const addresses = [
        'susan@example.org',
        'sus\u00e1n@example.org',
        's.usan@example.org',
        'susan+news@example.org',
        '\u0455usan@example.org',
        'susan@ex\u0430mple.org',
        'susan@example.com',
      ];
      const keys = addresses.map(keyOf);
      expect(keys).not.toContain(undefined);
      expect(new Set(keys).size).toBe(addresses.length);
    });
  });

  describe('reads one address or nothing', () => {
    it.each([
      ['a comma list', 'a@example.org,b@example.org'],
      ['a semicolon list', 'a@example.org;b@example.org'],
      ['a list by space', 'a@example.org b@example.org'],
      ['a list by line', 'a@example.org\nb@example.org'],
      ['a header of one\u2019s own', 'a@example.org\r\nBcc: b@example.org'],
      ['a group', 'friends:a@example.org;'],
      ['a display name', 'Susan <susan@example.org>'],
      ['a route', '@a.example,@b.example:susan@example.org'],
      ['two @', 'susan@example.org@evil.example'],
      ['a full-width @ (U+FF20)', 'susan\uff20evil.example@example.org'],
      ['a small @ (U+FE6B)', 'susan\ufe6bevil.example@example.org'],
      ['a one-dot leader (U+2024)', 'susan@example\u2024org'],
      ['an ideographic full stop (U+3002)', 'susan@example\u3002org'],
      ['a quoted local part (CVE-2025-13033)', '"susan@victim.example"@example.org'],
      ['a quoted word', '"susan"@example.org'],
      ['a comment', 'susan(comment)@example.org'],
      ['an encoded word', '=?utf-8?q?susan=40victim.example?=@example.org'],
      ['a percent hack', 'susan%victim.example@example.org'],
      ['a bang path', 'victim.example!susan@example.org'],
      ['an address literal', 'susan@[127.0.0.1]'],
      ['a number for a domain', 'susan@127.0.0.1'],
      ['a short number for a domain', 'susan@2130706433'],
      ['a path behind the domain', 'susan@example.org/evil'],
      ['a backslash behind the domain', 'susan@example.org\\evil'],
      ['a query behind the domain', 'susan@example.org?evil'],
      ['a fragment behind the domain', 'susan@example.org#evil'],
      ['a port behind the domain', 'susan@example.org:25'],
      ['an escaped domain', 'susan@ex%61mple.org'],
      ['a trailing dot', 'susan@example.org.'],
      ['two dots', 'susan@example..org'],
      ['dots in the local part that nobody has', '.susan..@example.org'],
      ['leading space', ' susan@example.org'],
      ['trailing space', 'susan@example.org '],
      ['NUL', 'susan\0@example.org'],
      ['NUL at the end', 'susan@example.org\0'],
      ['half a character', 'susan\ud800@example.org'],
      ['what stands for bytes that are no text', 'susan\ufffd@example.org'],
      ['no @', 'susan'],
      ['no local part', '@example.org'],
      ['no domain', 'susan@'],
      ['nothing', ''],
      ['a space', ' '],
    ])('not %s', (_, address) => {
      expect(parseEmailAddress(address)).toBeUndefined();
    });

    it.each([
      [['susan@example.org']],
      [{ address: 'susan@example.org' }],
      [{ toString: () => 'susan@example.org' }],
      [new String('susan@example.org')],
      [null],
      [undefined],
      [0],
      [true],
    ])('not %p, which is no string', (value) => {
      expect(parseEmailAddress(value)).toBeUndefined();
    });

    it.each(['%', '_', '*', '%@%', '_usan@example.org', 'susan@%', '.*@example.org', "' OR '1'='1"])(
      'and never a pattern: %s is itself or nothing',
      (pattern) => {
        expect([undefined, pattern]).toContain(keyOf(pattern));
      },
    );
  });

  it('composes letters whose accents were typed behind them, and nothing else (RFC 6532, section 3.1)', () => {
    const typed = 'Jose\u0301.O\u0308d@mu\u0308nchen.example';
    expect(parseEmailAddress(typed)).toEqual(parseEmailAddress(typed.normalize('NFC')));
    expect(parseEmailAddress(typed)).toEqual({
      address: 'Jos\u00e9.\u00d6d@xn--mnchen-3ya.example',
      key: 'jos\u00e9.\u00d6d@xn--mnchen-3ya.example',
    });
  });

  it('lets no code point pass that is not seen, wherever it stands', () => {
    const passed: string[] = [];
    let tried = 0;
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      const character = String.fromCodePoint(codePoint);
      if (!/[\p{Default_Ignorable_Code_Point}\u2800]/u.test(character)) continue;
      tried++;
      for (const address of [`su${character}san@example.org`, `susan@ex${character}ample.org`])
        if (parseEmailAddress(address)) passed.push(codePoint.toString(16));
    }
    expect(tried).toBeGreaterThan(4000);
    expect(passed).toEqual([]);
  });

  it.each([
    'susan@example.org',
    'susan@localhost',
    'susan.o+news-2026@mail.example.co.uk',
    "susan.o'neil@example.org",
    's@example.org',
    'sus\u00e1n@example.org',
    '\u5c0f\u660e@example.org',
    '_-{}|~^`?=/*+&$#@example.org',
  ])('keeps %s as it is written, for the mail', (address) => {
    expect(parseEmailAddress(address)).toEqual({ address, key: address });
  });

  it('compares domains by what is asked of DNS', () => {
    const keys = [
      'susan@B\u00fccher.example',
      'susan@b\u00fccher.example',
      'susan@XN--bcher-kva.example',
    ].map(keyOf);
    expect(new Set(keys)).toEqual(new Set(['susan@xn--bcher-kva.example']));
    expect(parseEmailAddress('Susan@B\u00fccher.example')).toEqual({
      address: 'Susan@xn--bcher-kva.example',
      key: 'susan@xn--bcher-kva.example',
    });
  });

  describe('keeps to the lengths of RFC 5321', () => {
    const domainOf = (octets: number) => `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(octets - 2 * 64)}`;

    it.each([
      ['64 octets before the @', `${'l'.repeat(64)}@example.org`, true],
      ['65 octets before the @', `${'l'.repeat(65)}@example.org`, false],
      ['64 octets before the @ in 32 letters', `${'\u00e1'.repeat(32)}@example.org`, true],
      ['66 octets before the @ in 33 letters', `${'\u00e1'.repeat(33)}@example.org`, false],
      ['254 octets', `${'l'.repeat(64)}@${domainOf(189)}`, true],
      ['255 octets', `${'l'.repeat(64)}@${domainOf(190)}`, false],
      ['a label of 64 octets', `susan@${'d'.repeat(64)}.org`, false],
      ['a domain that is longer in DNS than on paper', `susan@${'\u00fc'.repeat(60)}.org`, false],
      ['50 kB of local part', `${'l'.repeat(50_000)}@example.org`, false],
      ['50 kB of dots', `susan@${'a.'.repeat(25_000)}org`, false],
      ['50 kB of @', '@'.repeat(50_000), false],
      ['50 kB that nearly match', `${'a!'.repeat(25_000)}`, false],
    ])('%s: %#', (_, address, accepted) => {
      expect(parseEmailAddress(address) !== undefined).toBe(accepted);
    });
  });
});

describe('the key of a mailbox, for limits', () => {
  it.each([
    ['susan+shop@example.com', 'susan@example.com'],
    ['susan+a+b@example.com', 'susan@example.com'],
    ['susan@example.com', 'susan@example.com'],
    ['susan-shop@example.com', 'susan-shop@example.com'],
    ['su.san@example.com', 'su.san@example.com'],
    ['+susan@example.com', '+susan@example.com'],
  ])('of %s is %s', (key, mailbox) => {
    expect(mailboxKey(key)).toBe(mailbox);
  });
});
