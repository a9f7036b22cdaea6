// Takes the pictures of the README from a running server (npm start).
import { chromium } from 'playwright-core';

const SITE = 'http://localhost:3000';
const mail = (await (await fetch(`${SITE}/dev/mailbox.json`)).json()).find(({ text }) =>
  text.includes('/reset_password/'),
);
if (!mail) throw new Error('Ask for a link first; the picture shows its form.');
const [link] = /\S+\/reset_password\/[\w.-]+/.exec(mail.text);

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({ viewport: { width: 480, height: 560 } });
await page.goto(link);
await page.screenshot({ path: 'docs/images/reset-page.png' });
await page.goto(`${SITE}/dev/mailbox/${mail.id}/html`);
await page.screenshot({ path: 'docs/images/mail.png' });
await browser.close();
