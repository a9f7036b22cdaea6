import type { Response } from 'supertest';
import { Mailbox } from '../../src/mail';
import type { CaughtMail } from '../support/mail-reader';
import { TestApp, TestAppOptions } from '../support/test-app';

/** Where every link of a mail leads, whatever the request that caused it said. */
export const ORIGIN = 'http://localhost:3000';
export const SENDER = 'no-reply@localhost';
export const NEW_PASSWORD = 'staple battery horse correct';

/** Where accounts, and all that opens them, are kept. */
const TABLES = [
  'users',
  'sessions',
  'password_resets',
  'registrations',
  'email_changes',
  'quiet_periods',
  'recoveries',
];

/** A server to attack. Nothing that an earlier test left in the queue will be mailed in the midst of an attack. */
export async function startTarget(options: TestAppOptions = {}): Promise<TestApp> {
  const server = await TestApp.start(options);
  await server.database.query(`DELETE FROM latchkey.jobs WHERE queue <> 'contract' AND state <> 'active'`);
  await server.idle();
  return server;
}

/** Does something, and proves that no account, session or link is another afterwards and that nobody got a mail. */
export async function expectNoEffect(server: TestApp, attack: () => Promise<unknown>): Promise<void> {
  await server.idle();
  const before = await stateOf(server);
  await attack();
  await server.idle();
  expect(await stateOf(server)).toEqual(before);
}

/** One digest a table, so that a difference says where it is; and the mails caught so far. */
async function stateOf(server: TestApp): Promise<Record<string, unknown>> {
  const digests = TABLES.map(
    (table) =>
      `(SELECT md5(coalesce(string_agg(row, ',' ORDER BY row), '')) FROM
        (SELECT (to_jsonb(t) - 'last_seen_at')::text AS row FROM latchkey.${table} t) rows) AS ${table}`,
  );
  const [rows] = await server.database.query<[object]>(`SELECT ${digests.join(', ')}`);
  return { ...rows, mails: allMails(server).map(({ id, envelope }) => `${id} to ${envelope.to.join()}`) };
}

/** Every mail caught, whoever it was for; newest first. */
export function allMails(server: TestApp): CaughtMail[] {
  return server.app.get(Mailbox).list();
}

/** Does something, waits until all that follows from it has been mailed, and gives back those mails, oldest first. */
export async function mailsCausedBy(server: TestApp, act: () => Promise<unknown>): Promise<CaughtMail[]> {
  await server.idle();
  const earlier = new Set(allMails(server).map(({ id }) => id));
  await act();
  await server.idle();
  return allMails(server)
    .filter(({ id }) => !earlier.has(id))
    .reverse();
}

/** Sends JSON that no library would write, such as the same field twice. */
export function postJson(server: TestApp, path: string, json: string, accessToken?: string) {
  const request = server.http.post(path).set('Content-Type', 'application/json');
  if (accessToken) void request.set('Authorization', `Bearer ${accessToken}`);
  return request.send(json);
}

export type Browser = ReturnType<TestApp['browser']>;

/** The anti-forgery tokens of browsers that nobody is signed in with: good for every form, as long as the cookie is. */
const csrfTokens = new WeakMap<Browser, string>();

/**
 * Fills in the form of a page and sends it, with the anti-forgery token that the browser was given.
 * @param formOf the page to take that token from; by default one for people who are not signed in
 */
export async function submit(
  browser: Browser,
  path: string,
  fields: string | Record<string, string>,
  { formOf, headers = {} }: { formOf?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const known = formOf === undefined ? csrfTokens.get(browser) : undefined;
  const csrf = known ?? csrfOf((await browser.get(formOf ?? '/login').expect(200)).text);
  const body = new URLSearchParams(fields);
  body.append('_csrf', csrf);
  const answer = await browser.post(path).type('form').set(headers).send(body.toString());
  const newCookie = answer.get('Set-Cookie')?.some((cookie) => /^latchkey(-pre)?=/.test(cookie));
  if (formOf === undefined && !newCookie) csrfTokens.set(browser, csrf);
  else csrfTokens.delete(browser);
  return answer;
}

const HERE = { domain: '127.0.0.1', path: '/', secure: false, script: false };

/** What a browser has in a cookie of ours. */
export function cookieOf(browser: Browser, name = 'latchkey'): string | undefined {
  return browser.jar.getCookie(name, HERE)?.value;
}

/** Puts a cookie into somebody's browser, as a neighbor on the same domain could. */
export function plantCookie(browser: Browser, name: string, value: string): void {
  browser.jar.setCookie(`${name}=${value}; Path=/`, HERE.domain, HERE.path);
}

export function csrfOf(page: string): string {
  return /name="_csrf" value="([^"]+)"/.exec(page)![1]!;
}

/** Signs in by the page. */
export async function signIn(browser: Browser, email: string, password: string): Promise<void> {
  const answer = await submit(browser, '/login', { email, password });
  expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
}

/** The token in the one link of a mail that leads to a page, such as `/verify_email/…`. */
export function linkedToken(mail: CaughtMail, page: string): string {
  const tokens = [...mail.text.matchAll(new RegExp(`${ORIGIN}/${page}/([\\w.-]+)`, 'g'))];
  expect(tokens).toHaveLength(1);
  return tokens[0]![1]!;
}

/** Every http address in a mail, of its text and of its HTML. */
export function urlsIn({ text, html }: CaughtMail): string[] {
  return `${text}\n${html}`.match(/\b[a-z]+:\/\/[^\s"'<>]+/gi) ?? [];
}

/** All of an answer but what differs between any two answers: of the seconds to wait, that there are some. */
export function comparable({ status, headers, text, body }: Response): unknown {
  const { date: _date, etag: _etag, 'retry-after': wait, ...others } = headers as Record<string, string>;
  const { requestId = '' } = (body ?? {}) as { requestId?: string };
  return { status, waits: wait !== undefined, headers: others, text: text.replaceAll(requestId || '\0', '') };
}
