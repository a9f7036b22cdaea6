import type { Response } from 'supertest';
import { PASSWORD, TestApp } from './test-app';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0';

/** Somebody who reads pages: keeps cookies, and sends forms with the hidden field of the page that was opened last. */
export class PageVisitor {
  /** What was seen, page by page. */
  readonly pages: string[] = [];
  csrf = '';
  private readonly browser: ReturnType<TestApp['browser']>;

  constructor(
    server: TestApp,
    private readonly userAgent = FIREFOX,
  ) {
    this.browser = server.browser();
  }

  async open(path: string): Promise<Response> {
    return this.look(await this.browser.get(path).set('User-Agent', this.userAgent));
  }

  async submit(path: string, fields: object = {}, headers: Record<string, string> = {}): Promise<Response> {
    const request = this.browser.post(path).type('form').set('User-Agent', this.userAgent).set(headers);
    return this.look(await request.send({ _csrf: this.csrf, ...fields }));
  }

  /** Opens the page of a form and sends it. */
  async fill(path: string, fields: object = {}): Promise<Response> {
    await this.open(path);
    return this.submit(path, fields);
  }

  signIn(email: string, password = PASSWORD): Promise<Response> {
    return this.fill('/login', { email, password });
  }

  async isSignedIn(): Promise<boolean> {
    return (await this.open('/')).text.includes('You are signed in');
  }

  cookie(name: string): string | undefined {
    const access = { domain: '127.0.0.1', path: '/', secure: false, script: false };
    return this.browser.jar.getCookie(name, access)?.value;
  }

  private look(answer: Response): Response {
    this.pages.push(answer.text);
    this.csrf = /name="_csrf" value="([^"]+)"/.exec(answer.text)?.[1] ?? this.csrf;
    return answer;
  }
}
