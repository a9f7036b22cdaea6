// Starts the server the README's way, runs the README's tour as it stands there, measures how soon a mail is there, and
// walks the pages with Chromium, with scripts and without.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type Page } from 'playwright-core';
import { RestClient } from '../support/rest-client';
import assert from 'node:assert/strict';

const SITE = 'http://localhost:3000';
const api = new RestClient(3000, { isBehindProxy: false });
const CHROMIUM = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

async function main() {
  const server = spawn('npm', ['start'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    // All of it comes from one address, within a minute or so.
    env: { ...process.env, LIMIT_PER_MINUTE: '1000', LIMIT_PER_HOUR: '0' },
  });
  try {
    await untilReady();
    runTour();
    await measureMails();
    const browser = await chromium.launch(CHROMIUM);
    for (const javaScriptEnabled of [true, false]) {
      await walkReset(browser, javaScriptEnabled);
      await walkAccount(browser, javaScriptEnabled);
    }
    await browser.close();
    process.stdout.write('walked\n');
  } finally {
    await stop(server.pid!);
  }
}

/** npm ends before the server does, and that before its database; all of them are one process group. */
async function stop(pid: number) {
  process.kill(-pid, 'SIGTERM');
  try {
    for (let tries = 0; tries < 200; tries++) {
      process.kill(-pid, 0);
      await delay(50);
    }
  } catch {
    return; // Nobody is left.
  }
  process.kill(-pid, 'SIGKILL');
  throw new Error('The server did not stop within 10 s.');
}

async function untilReady() {
  for (let tries = 0; tries < 600; tries++) {
    if ((await api.isReady()).status === 200) return;
    await delay(200);
  }
  throw new Error(`${SITE} does not get ready`);
}

/** Every `sh` block of the tour, in one shell, stopping at the first command that fails. */
function runTour() {
  const readme = readFileSync('README.md', 'utf8');
  const tour = /\n## Five-minute tour\n([\s\S]*?)\n## /.exec(readme)![1]!;
  const blocks = [...tour.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, code]) => code!);
  assert(blocks.length > 0, 'the README has a tour');
  const output = execFileSync('bash', ['-euo', 'pipefail', '-c', blocks.join('\n')], { encoding: 'utf8' });
  process.stdout.write(`${output}\n`);
  assert.match(output, /"tokenType":"Bearer"/, 'the tour ends with a sign-in under the new password');
}

async function measureMails() {
  const times: number[] = [];
  for (let n = 0; n < 20; n++) {
    const email = createAccount();
    await delay(200);
    assert.equal((await api.requestReset(email)).status, 202);
    const begin = performance.now();
    while (!(await mailsTo(email)).length) await delay(5);
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  process.stdout.write(
    `figure: mail caught ${Math.round(times[10]!)} ms after the 202 (median of 20), ${Math.round(times[19]!)} ms at most\n`,
  );
}

async function mailsTo(email: string) {
  const { text } = await api.call('GET', '/dev/mailbox.json');
  const mails = JSON.parse(text) as { id: string; to: string[]; subject: string }[];
  return mails.filter(({ to }) => to.includes(email));
}

function someAddress() {
  return `walker-${Math.random().toString(36).slice(2)}@example.com`;
}

function createAccount(password = 'correct horse battery staple') {
  const email = someAddress();
  execFileSync('node', ['dist/cli.js', 'users', 'create', '--email', email, '--username', 'Walker'], {
    input: password,
  });
  return email;
}

/** A browser of its own, which must not load anything from elsewhere. */
async function openBrowser(browser: Browser, javaScriptEnabled: boolean) {
  const context = await browser.newContext({ javaScriptEnabled });
  const foreign: string[] = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(SITE)) foreign.push(request.url());
  });
  const page = await context.newPage();
  const close = async () => {
    assert.deepEqual(foreign, [], 'nothing is loaded from elsewhere');
    await context.close();
  };
  return { page, close };
}

/** Opens a mail in the mailbox, and follows a link of it into a window of its own. */
async function followMail(page: Page, email: string, subject: string, link: string) {
  const find = async () => (await mailsTo(email)).find((mail) => mail.subject.includes(subject));
  while (!(await find())) await delay(50);
  const { id } = (await find())!;
  await page.bringToFront();
  await page.goto(`${SITE}/dev/mailbox/${id}`);
  const [opened] = await Promise.all([
    page.context().waitForEvent('page'),
    page.frameLocator('iframe').getByRole('link', { name: link }).click(),
  ]);
  await opened.waitForLoadState();
  return opened;
}

/** Fills in a form, by the labels that people see, and sends it. */
async function send(page: Page, fields: Record<string, string>, button: string) {
  for (const [label, value] of Object.entries(fields)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  await page.getByRole('main').getByRole('button', { name: button, exact: true }).click();
}

async function reads(page: Page, path: string, text: string) {
  await page.getByText(text).first().waitFor();
  assert.equal(new URL(page.url()).pathname, path);
}

async function signOut(page: Page) {
  await page.getByRole('banner').getByRole('button', { name: 'Sign Out' }).click();
  await reads(page, '/', 'You have signed out.');
  assert.deepEqual(
    (await page.context().cookies()).map(({ name }) => name),
    ['latchkey-pre'],
    'the browser has forgotten every cookie, and got a new one of the form before the login',
  );
}

/** Request a link, open the mailbox, click the link, set the password, sign in, sign out. */
async function walkReset(browser: Browser, javaScriptEnabled: boolean) {
  const email = createAccount();
  const password = 'staple battery horse correct';
  const { page, close } = await openBrowser(browser, javaScriptEnabled);

  await page.goto(`${SITE}/login`);
  await page.getByText('Click to Reset It').click();
  await send(page, { Email: email }, 'Request Password Reset');
  await reads(page, '/login', 'Check your email for the instructions to reset your password');

  const form = await followMail(page, email, 'Reset Your Password', 'click here');
  for (let n = 0; n < 3; n++) await form.reload();
  await send(form, { Password: 'short', 'Repeat Password': 'short' }, 'Request Password Reset');
  assert.match(await form.content(), /15/, 'a refused password is explained');
  await send(form, { Password: password, 'Repeat Password': password }, 'Request Password Reset');
  await reads(form, '/login', 'Your password has been reset.');

  await send(form, { Email: email, Password: password }, 'Sign In');
  await reads(form, '/', 'You are signed in as Walker.');
  await form.goto(`${SITE}/login`);
  assert.equal(new URL(form.url()).pathname, '/');
  await signOut(form);
  await close();
}

/** Register, confirm, sign in, open the account, change password and address, end a session, disown a reset, sign out. */
async function walkAccount(browser: Browser, javaScriptEnabled: boolean) {
  const [email, newEmail] = [someAddress(), someAddress()];
  const [password, newPassword] = ['correct horse battery staple', 'staple battery horse correct'];
  const { page, close } = await openBrowser(browser, javaScriptEnabled);
  await page.goto(SITE);
  await page.getByRole('link', { name: 'Create an Account' }).click();
  const typed = { Email: email, Name: 'Walker', Password: password, 'Repeat Password': password };
  await send(page, typed, 'Create Account');
  await reads(page, '/login', 'Check your email for the link that confirms your address');

  const verify = await followMail(page, email, 'Confirm Your Email Address', 'click here');
  for (let n = 0; n < 3; n++) await verify.reload();
  await send(verify, { Password: 'something else' }, 'Confirm Address');
  await verify.getByText('This is not the password that was chosen').waitFor();
  await send(verify, { Password: password }, 'Confirm Address');
  await reads(verify, '/login', 'Your address is confirmed. You can sign in now.');
  await send(verify, { Email: email, Password: password }, 'Sign In');
  await reads(verify, '/', 'You are signed in as Walker.');

  const elsewhere = await openBrowser(browser, javaScriptEnabled);
  const signInElsewhere = async (address: string, secret: string) => {
    await elsewhere.page.goto(`${SITE}/login`);
    await send(elsewhere.page, { Email: address, Password: secret }, 'Sign In');
    await reads(elsewhere.page, '/', 'You are signed in as Walker.');
  };
  await signInElsewhere(email, password);

  await page.goto(`${SITE}/.well-known/change-password`);
  assert.equal(new URL(page.url()).pathname, '/change_password');
  const change = { 'Current Password': 'something else', 'New Password': newPassword };
  await send(page, { ...change, 'Repeat Password': newPassword }, 'Change Password');
  await reads(page, '/change_password', 'This is not your current password.');
  await send(
    page,
    { ...change, 'Current Password': password, 'Repeat Password': newPassword },
    'Change Password',
  );
  await reads(page, '/account', 'Your password has been changed.');
  await elsewhere.page.goto(`${SITE}/account`);
  await reads(elsewhere.page, '/login', 'Sign In');

  await signInElsewhere(email, newPassword);
  await page.goto(`${SITE}/account`);
  const others = page.getByRole('listitem').filter({ hasNotText: 'This one' });
  assert.equal(await others.count(), 1, 'one session beside this one');
  assert.match(await others.innerText(), /Chrome · Linux/);
  await others.getByRole('link', { name: 'End' }).click();
  await send(page, { 'Current Password': newPassword }, 'End Session');
  await reads(page, '/account', 'The session has been ended.');
  await elsewhere.page.goto(`${SITE}/account`);
  await reads(elsewhere.page, '/login', 'Sign In');

  await page.getByRole('link', { name: 'Change Your Email Address' }).click();
  await send(page, { 'New Email': newEmail, 'Current Password': newPassword }, 'Request Change');
  await reads(page, '/account', 'Check the new address');
  const confirm = await followMail(page, newEmail, 'Confirm Your New Email Address', 'confirm it');
  await send(confirm, {}, 'Use This Address');
  await reads(confirm, '/login', 'Your address has been changed.');

  await page.goto(`${SITE}/reset_password_request`);
  await send(page, { Email: newEmail }, 'Request Password Reset');
  const notMe = await followMail(page, newEmail, 'Reset Your Password', 'it was not you');
  for (let n = 0; n < 3; n++) await notMe.reload();
  await send(notMe, {}, 'It Was Not Me');
  await reads(notMe, '/login', 'Those links no longer work');

  await send(notMe, { Email: newEmail, Password: newPassword }, 'Sign In');
  await reads(notMe, '/', 'You are signed in as Walker.');
  await notMe.goto(`${SITE}/account`);
  await signOut(notMe);
  await elsewhere.close();
  await close();
}

void main();
