import { randomBytes } from 'node:crypto';

/** A secret that is recognized wherever it comes out, and however it is written there. */
export class Canary {
  readonly forms: string[];

  /** @param core the part of the value that no encoding of text changes; all of the value where it is left out */
  constructor(
    readonly name: string,
    readonly value: string,
    core = value,
  ) {
    const url = encodeURIComponent(value);
    const hex = Buffer.from(core).toString('hex');
    this.forms = [
      ...new Set([
        core,
        value,
        url,
        JSON.stringify(value).slice(1, -1),
        hex,
        hex.toUpperCase(),
        ...base64s(core),
      ]),
    ];
  }

  /** A new one, with what awkward encodings change around a core that none changes. */
  static password(name: string): Canary {
    const core = randomLetters(20);
    return new Canary(name, `ä"%/ ${core} +&\\`, core);
  }

  /** A new one of letters only. */
  static word(name: string): Canary {
    return new Canary(name, randomLetters(40));
  }

  /** A signed token: neither what it says nor its signature may come out. */
  static token(name: string, token: string): Canary[] {
    const [, claims, signature] = token.split('.');
    return [new Canary(`${name} (claims)`, claims!), new Canary(`${name} (signature)`, signature!)];
  }

  isIn(text: string): boolean {
    return this.forms.some((form) => text.includes(form));
  }
}

/** What stays the same of the base64 of a text, wherever in a longer text it begins. */
function base64s(text: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.from('x'.repeat(offset) + text)
      .toString('base64')
      .replace(/=+$/, '')
      .slice(offset === 0 ? 0 : offset + 1, -1);
    return [encoded, encoded.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function randomLetters(count: number): string {
  return [...randomBytes(count)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');
}
