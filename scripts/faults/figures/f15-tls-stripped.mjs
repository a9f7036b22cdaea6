// F15: somebody on the way takes STARTTLS out of the mail server's greeting, or answers with a certificate of their own. Nothing
// of a mail goes out, and each is tried again until there is a mail server to believe.
import { Certificates } from '../certificates.mjs';
import { row } from '../report.mjs';
import { inParallel, until } from '../time.mjs';

/** What is wrong, and the certificate that is shown; without one, TLS is not even offered. */
const CASES = [
  ['STARTTLS is stripped'],
  ['certificate of another host', 'wrong'],
  ['certificate that has expired', 'expired'],
  ['certificate that nobody has issued', 'unknown'],
];

export const f15 = {
  id: 'F15',
  title: 'STARTTLS is stripped, or the certificate is bad',
  limitSeconds: { quick: 120, full: 300 },
  async run(world, { quick }) {
    const n = quick ? 5 : 50;
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
      world.sink.certificate = certificate && certificates.read(certificate);
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
};

async function oneCase(world, server, title, n) {
  const before = await deferred(world);
  await inParallel(world.nextEmails(n), 5, (email) => world.ask(server, email));
  await until(async () => (await deferred(world)) - before >= n, 30_000, 200);
  const { namedInClear, attempts, messages } = world.sink;
  const putOff = (await deferred(world)) - before;
  return row(
    `${title}: recipients named (in clear text), mails sent; put off, with an event`,
    n,
    `${attempts.size} (${namedInClear.size}), ${messages.length}; ${putOff}`,
    `0 (0), 0; ${n}`,
    attempts.size === 0 && messages.length === 0 && putOff === n,
  );
}

function deferred(world) {
  return world.count(
    "SELECT count(DISTINCT details->>'mailId')::int AS n FROM latchkey.audit_events WHERE act = 'mail_deferred'",
  );
}
