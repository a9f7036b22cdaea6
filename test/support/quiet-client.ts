import { RawAnswer, sendAsIs } from './raw-request';

/** A browser of few words, which sends cookies along that other clients would keep for https. */
export class QuietClient {
  private readonly cookies = new Map<string, string>();

  /** @param hear is given every answer */
  constructor(
    private readonly url: string,
    private readonly publicUrl: string,
    private readonly hear: (request: string, answer: RawAnswer) => void = () => undefined,
  ) {}

  cookie(name: string): string {
    return this.cookies.get(name)!;
  }

  json(path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.send(method, path, { 'content-type': 'application/json', ...headers }, text);
  }

  get(path: string, headers: Record<string, string> = {}) {
    return this.send('GET', path, headers);
  }

  form(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
    const type = { 'content-type': 'application/x-www-form-urlencoded', origin: this.publicUrl };
    return this.send('POST', path, { ...type, ...headers }, new URLSearchParams(fields).toString());
  }

  /** Opens a page, and sends its form with the anti-forgery token in it. */
  async submit(path: string, fields: Record<string, string>, formOf = path) {
    const page = await this.get(formOf);
    return this.form(path, { _csrf: csrfOf(page.text), ...fields });
  }

  private async send(method: string, path: string, headers: Record<string, string>, body?: string) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await sendAsIs(this.url, path, {
      method,
      headers: { ...headers, ...(cookie && { cookie }) },
      body,
    });
    for (const set of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
      this.cookies.set(name!, value!);
    }
    this.hear(`${method} ${path}`, answer);
    return answer;
  }
}

export function csrfOf(page: string): string {
  const [, token] = /name="_csrf" value="([^"]+)"/.exec(page) ?? [];
  if (!token) throw new Error(`There is no form on this page: ${page}`);
  return token;
}
