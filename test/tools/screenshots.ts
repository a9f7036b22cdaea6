// Takes the pictures of the README from a running server (npm start).
import { chromium } from 'playwright-core';

const SITE = 'http://localhost:3000';
async function main() {
  const mails = (await (await fetch(`${SITE}/dev/mailbox.json`)).json()) as { id: string; text: string }[];
  const mail = mails.find(({ text }) => text.includes('/reset_password/'));
  if (!mail) throw new Error('Request a link first; the picture shows its form.');
  const [link] = /\S+\/reset_password\/[\w.-]+/.exec(mail.text)!;

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
}

void main();
