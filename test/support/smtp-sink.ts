import { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/** What the sink answers to a whole message: `undefined` takes it. */
export type Verdict = { code: number; text: string } | undefined;

/** A mail server that can refuse, and that keeps every message as the bytes that arrived, also those it refuses. */
export class SmtpSink {
  readonly messages: { to: string[]; raw: string; taken: boolean }[] = [];
  /** Decides about a message, by how many the recipient was sent before. */
  verdict: (earlier: number) => Verdict = () => undefined;
  /** Decides about a recipient, before there is a message; a promise keeps the client waiting. */
  recipientVerdict: () => Verdict | Promise<Verdict> = () => undefined;
  /** Recipients that it was asked to take mails for, each time. */
  readonly asked: string[] = [];
  /** Whether it lets clients in that say who they are. */
  accepts = true;
  private server?: SMTPServer;

  /** @param options.secured demands TLS (with a certificate that nobody has signed), and a name with a password */
  constructor(private readonly options: { secured?: boolean } = {}) {}

  to(address: string) {
    return this.messages.filter(({ to }) => to.includes(address));
  }

  async start(port = 0): Promise<number> {
    const server = (this.server = this.createServer());
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (server.server.address() as AddressInfo).port;
  }

  /** Also hangs up on clients that keep their connections open. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => (this.server ? this.server.close(resolve) : resolve()));
  }

  private createServer(): SMTPServer {
    const { secured = false } = this.options;
    return new SMTPServer({
      logger: false,
      closeTimeout: 100,
      authOptional: !secured,
      disabledCommands: secured ? [] : ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      onAuth: ({ username }, _, done) => {
        if (this.accepts) done(null, { user: username });
        else done(new Error(`${username} is unknown or has another password`));
      },
      onRcptTo: ({ address }, _, done) => {
        this.asked.push(address);
        void Promise.resolve(this.recipientVerdict()).then((verdict) => done(errorOf(verdict)));
      },
      onData: (stream, { envelope }, done) => {
        void text(stream).then((raw) => {
          const recipients = envelope.rcptTo.map(({ address }) => address);
          const verdict = this.verdict(this.to(recipients[0]!).length);
          this.messages.push({ to: recipients, raw, taken: !verdict });
          done(errorOf(verdict));
        });
      },
      // A client may hang up at any time.
    }).on('error', () => undefined);
  }
}

function errorOf(verdict: Verdict): Error | undefined {
  return verdict && Object.assign(new Error(verdict.text), { responseCode: verdict.code });
}
