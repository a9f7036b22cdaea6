import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createTransport, type SendMailOptions } from 'nodemailer';
import type { Clock } from '../../common';
import { Mailbox } from './mailbox';

const NOW = new Date('2026-02-03T04:05:06Z');
const clock: Clock = { now: () => NOW };

let mailbox: Mailbox;
let port: number;

beforeEach(async () => {
  mailbox = new Mailbox(clock);
  ({ port } = await mailbox.listen());
});

afterEach(() => mailbox.close());

it('keeps who a mail was for, what it said, and every byte of it', async () => {
  await send({
    from: { name: 'Zoë', address: 'zoe@example.com' },
    to: [{ name: '王小明', address: 'ming@example.com' }, 'bob@example.com'],
    envelope: { from: 'bounces@example.com', to: ['ming@example.com'] },
    subject: '[Latchkey] 重設您的密碼',
    text: 'Hello ✓',
    html: '<p>Hello <b>✓</b></p>',
    date: new Date('2026-01-02T03:04:05Z'),
  });
  const [mail] = mailbox.list();
  expect(mail).toMatchObject({
    receivedAt: NOW,
    envelope: { from: 'bounces@example.com', to: ['ming@example.com'] },
    from: 'Zoë <zoe@example.com>',
    to: '王小明 <ming@example.com>, bob@example.com',
    subject: '[Latchkey] 重設您的密碼',
    date: '2026-01-02T03:04:05.000Z',
    text: expect.stringMatching(/^Hello ✓\s*$/),
    html: expect.stringMatching(/^<p>Hello <b>✓<\/b><\/p>\s*$/),
    source: expect.stringContaining('Content-Type: multipart/alternative'),
  });
  expect(mailbox.find(mail!.id)).toBe(mail);
  expect(mailbox.find('another')).toBeUndefined();
});

it('lists the newest mail first', async () => {
  for (const subject of ['first', 'second', 'third']) await send({ subject });
  expect(mailbox.list().map(({ subject }) => subject)).toEqual(['third', 'second', 'first']);
});

it('keeps the latest 200 mails', async () => {
  await withPool(async (transport) => {
    for (let n = 1; n <= 203; n += 1) await transport.sendMail(message({ subject: `mail ${n}` }));
  });
  const subjects = mailbox.list().map(({ subject }) => subject);
  expect(subjects).toHaveLength(200);
  expect([subjects[0], subjects.at(-1)]).toEqual(['mail 203', 'mail 4']);
});

it('keeps no more than 32 MB', async () => {
  await withPool(async (transport) => {
    for (let n = 1; n <= 36; n += 1)
      await transport.sendMail(message({ text: `${'x'.repeat(70)}\n`.repeat(13_800) }));
  });
  expect(mailbox.list().length).toBeLessThan(36);
  expect(mailbox.list().length).toBeGreaterThan(30);
});

it('refuses a mail of more than 1 MB, announced or not', async () => {
  await expect(send({ text: 'x'.repeat(1_200_000) })).rejects.toMatchObject({ responseCode: 552 });
  const unannounced = `EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n${'x\r\n'.repeat(400_000)}.\r\nQUIT\r\n`;
  await expect(converse(unannounced)).resolves.toMatch(/^552 /m);
  expect(mailbox.list()).toEqual([]);
});

it('refuses more recipients than anybody has', async () => {
  const to = Array.from({ length: 101 }, (_, n) => `user${n}@example.com`);
  const { rejected } = await send({ to });
  expect(rejected).toEqual(['user100@example.com']);
});

it.each([
  ['that is empty', ''],
  ['that is no mail', '\u0000\u0001 <<< \r\n: : :\r\n'],
  ['whose parts are nested without end', nested(400)],
])('keeps a message %s', async (_, body) => {
  const dialogue = `EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n${body}\r\n.\r\nQUIT\r\n`;
  await expect(converse(dialogue)).resolves.toMatch(/^221 /m);
  expect(mailbox.list()).toMatchObject([{ envelope: { from: '', to: ['b@example.com'] }, subject: '' }]);
});

it('survives a client that hangs up in the midst of a mail', async () => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'data');
  socket.write('EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: half');
  socket.resetAndDestroy();
  await send({ subject: 'whole' });
  expect(mailbox.list().map(({ subject }) => subject)).toEqual(['whole']);
});

it('tells those who wait of the mail they wait for', async () => {
  const waiting = mailbox.waitFor(({ subject }) => subject === 'second');
  for (const subject of ['first', 'second']) await send({ subject });
  await expect(waiting).resolves.toMatchObject({ subject: 'second' });
  await expect(mailbox.waitFor(({ subject }) => subject === 'first')).resolves.toMatchObject({
    subject: 'first',
  });
});

it('tells those who wait in vain', async () => {
  await expect(mailbox.waitFor(() => true, 20)).rejects.toThrow('No such mail came within 20 ms.');
});

it('listens on this machine only, once', async () => {
  await expect(mailbox.listen()).resolves.toEqual({ host: '127.0.0.1', port });
});

it('closes at once, though a mailer keeps its connection', async () => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'data');
  const begin = performance.now();
  await mailbox.close();
  expect(performance.now() - begin).toBeLessThan(1_000);
  socket.destroy();
});

function message(mail: SendMailOptions): SendMailOptions {
  return { from: 'a@example.com', to: 'b@example.com', text: 'text', ...mail };
}

async function send(mail: SendMailOptions) {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
  return transport.sendMail(message(mail));
}

async function withPool(
  work: (transport: ReturnType<typeof createTransport>) => Promise<void>,
): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, pool: true });
  await work(transport);
  transport.close();
}

/** Speaks SMTP without a mailer's good manners, and returns all the answers. */
async function converse(dialogue: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'readable');
  socket.write(dialogue);
  return text(socket);
}

function nested(depth: number): string {
  return Array.from(
    { length: depth },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  ).join('');
}
