// F15, with TLS demanded: somebody on the way takes STARTTLS out of the mail server's greeting, or answers with a certificate of their own. Nothing
// of a mail goes out, and each is tried again until there is a mail server to believe. F15a, with nothing set: TLS is used where it is
// offered, whoever has signed the certificate.
import { Certificates } from '../certificates';
import { figure } from '../figure';
import { row } from '../report';
import type { Server } from '../server';
import { inParallel, until } from '../time';
import type { World } from '../world';

/** What is wrong, and the certificate that is shown; without one, TLS is not even offered. */
const CASES: [title: string, certificate?: string][] = [
  ['STARTTLS is stripped'],
  ['certificate of another host', 'wrong'],
  ['certificate that has expired', 'expired'],
  ['certificate that nobody has issued', 'unknown'],
];

export const f15 = figure({
  id: 'F15',
  title: 'STARTTLS is stripped, or the certificate is bad',
  quick: true,
  limitSeconds: { quick: 400, full: 400 },
  async run(world, { quick }) {
    const n = quick ? 3 : 50;
    await world.seed(CASES.length * n);
    const certificates = await new Certificates(world.folder).make();
    const server = await world.startServer({
      MAIL_SERVER: 'localhost',
      MAIL_USE_TLS: '1',
      NODE_EXTRA_CA_CERTS: certificates.authority,
    });
    const rows = [];
    for (const [title, certificate] of CASES) {
      world.sink.offersTls = certificate !== undefined;
      world.sink.certificate = certificate ? certificates.read(certificate) : undefined;
      rows.push(await oneCase(world, server, title, n));
    }
    world.sink.certificate = certificates.read('good');
    const settled = await world.settle(120_000);
    const { messages, namedInClear } = world.sink;
    const delivered = messages.filter(({ isSecure }) => isSecure).length;
    const inClear = namedInClear.size + messages.length - delivered;
    rows.push(
      row(
        'a good certificate then: delivered; in clear text',
        CASES.length * n,
        `${delivered}; ${inClear}`,
        `${CASES.length * n}; 0`,
        settled !== undefined && delivered === CASES.length * n && inClear === 0,
      ),
    );
    return rows;
  },
});

export const f15a = figure({
  id: 'F15a',
  title: 'nothing is said about TLS: it is used where it is offered',
  limitSeconds: { quick: 300, full: 300 },
  async run(world, { quick }) {
    const n = quick ? 5 : 50;
    await world.seed(n);
    const certificates = await new Certificates(world.folder).make();
    const server = await world.startServer();
    world.sink.offersTls = true;
    world.sink.certificate = certificates.read('unknown');
    await inParallel(world.nextEmails(n), 5, (email) => world.requestReset(server, email));
    await world.settle(60_000);
    const { messages, namedInClear } = world.sink;
    const secure = messages.filter(({ isSecure }) => isSecure).length;
    return [
      row(
        'delivered over TLS; recipients named in clear text',
        n,
        `${secure}; ${namedInClear.size}`,
        `${n}; 0`,
        secure === n && namedInClear.size === 0,
      ),
    ];
  },
});

async function oneCase(world: World, server: Server, title: string, n: number) {
  const before = await world.countMailsWith('mail_deferred');
  await inParallel(world.nextEmails(n), 5, (email) => world.requestReset(server, email));
  await until(async () => (await world.countMailsWith('mail_deferred')) - before >= n, 90_000, 200);
  const { namedInClear, attempts, messages } = world.sink;
  const putOff = (await world.countMailsWith('mail_deferred')) - before;
  return row(
    `${title}: recipients named (in clear text), mails sent; put off, with an event`,
    n,
    `${attempts.size} (${namedInClear.size}), ${messages.length}; ${putOff}`,
    `0 (0), 0; ${n}`,
    attempts.size === 0 && messages.length === 0 && putOff === n,
  );
}
