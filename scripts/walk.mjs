// Starts the server the README's way, runs the README's tour as it stands there, measures how soon a mail is there, and
// walks the pages with Chromium, with scripts and without.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';

const SITE = 'http://localhost:3000';
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

const server = spawn('npm', ['start'], { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
try {
  await answering(`${SITE}/health/ready`);
  runTour();
  await measureMails();
  const browser = await chromium.launch(CHROMIUM);
  await walkPages(browser, true);
  await walkPages(browser, false);
  await browser.close();
  console.log('walked');
} finally {
  await stop(server);
}

/** npm ends before the server does, and that before its database; all of them are one process group. */
async function stop({ pid }) {
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

async function answering(url) {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await delay(200);
  }
  throw new Error(`${url} does not answer`);
}

/** Every `sh` block of the tour, in one shell, stopping at the first command that fails. */
function runTour() {
  const readme = readFileSync('README.md', 'utf8');
  const tour = /\n## Five-minute tour\n([\s\S]*?)\n## /.exec(readme)[1];
  const blocks = [...tour.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, code]) => code);
  assert(blocks.length > 0, 'the README has a tour');
  const output = execFileSync('bash', ['-euo', 'pipefail', '-c', blocks.join('\n')], { encoding: 'utf8' });
  console.log(output);
  assert.match(output, /"tokenType":"Bearer"/, 'the tour ends with a sign-in under the new password');
}

async function measureMails() {
  const times = [];
  for (let n = 0; n < 20; n++) {
    const email = createAccount();
    await delay(200);
    const response = await fetch(`${SITE}/api/password-reset`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email }),
    });
    assert.equal(response.status, 202);
    const begin = performance.now();
    while (!(await mailsTo(email)).length) await delay(5);
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  console.log(
    `figure: mail caught ${Math.round(times[10])} ms after the 202 (median of 20), ${Math.round(times[19])} ms at most`,
  );
}

async function mailsTo(email) {
  const mails = await (await fetch(`${SITE}/dev/mailbox.json`)).json();
  return mails.filter(({ to }) => to.includes(email));
}

function createAccount(password = 'correct horse battery staple') {
  const email = `walker-${Math.random().toString(36).slice(2)}@example.com`;
  execFileSync('node', ['dist/cli.js', 'users', 'create', '--email', email, '--username', 'Walker'], {
    input: password,
  });
  return email;
}

/** Ask, open the mailbox, click the link, set the password, sign in, sign out. */
async function walkPages(browser, javaScriptEnabled) {
  const email = createAccount();
  const password = 'staple battery horse correct';
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  const foreign = [];
  context.on('request', (request) => request.url().startsWith(SITE) || foreign.push(request.url()));

  await page.goto(`${SITE}/login`);
  await page.getByText('Click to Reset It').click();
  await page.fill('[name=email]', email);
  await page.click('button[type=submit]');
  await page.getByText('Check your email for the instructions to reset your password').waitFor();

  while (!(await mailsTo(email)).length) await delay(50);
  const [{ id }] = await mailsTo(email);
  await page.goto(`${SITE}/dev/mailbox/${id}`);
  const [form] = await Promise.all([
    context.waitForEvent('page'),
    page.frameLocator('iframe').getByText('click here').click(),
  ]);
  await form.waitForLoadState();
  for (let n = 0; n < 3; n++) await form.reload();

  await form.fill('[name=password]', 'short');
  await form.fill('[name=password2]', 'short');
  await form.click('form button[type=submit]');
  assert.match(await form.content(), /15/, 'a refused password is explained');
  await form.fill('[name=password]', password);
  await form.fill('[name=password2]', password);
  await form.click('form button[type=submit]');
  await form.getByText('Your password has been reset.').waitFor();
  assert.equal(new URL(form.url()).pathname, '/login');

  await form.fill('[name=email]', email);
  await form.fill('[name=password]', password);
  await form.click('form button[type=submit]');
  await form.getByText('Walker').first().waitFor();
  assert.equal(new URL(form.url()).pathname, '/');
  await form.goto(`${SITE}/login`);
  assert.equal(new URL(form.url()).pathname, '/');
  await form.click('form button[type=submit]');
  assert(!(await form.content()).includes('Walker'), 'signed out');
  assert.deepEqual(foreign, [], 'nothing is loaded from elsewhere');
  await context.close();
}
