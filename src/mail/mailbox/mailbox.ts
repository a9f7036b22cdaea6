import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Injectable, OnApplicationShutdown } from '@nestjs/common';
import type { SMTPServer, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { Clock } from '../../common';
import { type CaughtMail, type Envelope, readMail } from './caught-mail';

/** Mails kept; the oldest go first. */
const MAX_MAILS = 200;
const MAX_TOTAL_LENGTH = 32 * 1024 * 1024;
const MAX_MAIL_BYTES = 1024 * 1024;
const MAX_RECIPIENTS = 100;
const MAX_CLIENTS = 100;
/** A mailer keeps its connections open; nobody waits for it to let go of them. */
const CLOSE_TIMEOUT_MS = 100;

/** The embedded SMTP catcher: takes every mail for anybody, keeps it in memory, delivers nothing. */
@Injectable()
export class Mailbox implements OnApplicationShutdown {
  private readonly mails: CaughtMail[] = [];
  private readonly arrivals = new EventEmitter().setMaxListeners(0);
  private server?: SMTPServer;
  private address?: Promise<{ host: string; port: number }>;

  constructor(private readonly clock: Clock) {}

  /** Starts to listen, on this machine only; later calls return the same address. */
  listen(): Promise<{ host: string; port: number }> {
    this.address ??= this.startServer();
    return this.address;
  }

  /** @returns the mails kept, newest first */
  list(): CaughtMail[] {
    return [...this.mails];
  }

  find(id: string): CaughtMail | undefined {
    return this.mails.find((mail) => mail.id === id);
  }

  /**
   * @returns the newest mail that matches, or the next one to come that does
   * @throws Error when none has come in time
   */
  async waitFor(matches: (mail: CaughtMail) => boolean, timeoutMs = 5_000): Promise<CaughtMail> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const mail = this.mails.find(matches);
      if (mail) return mail;
      await once(this.arrivals, 'mail', { signal: deadline }).catch(() => {
        throw new Error(`No such mail came within ${timeoutMs} ms.`);
      });
    }
  }

  /** For good: a mailbox that was closed does not listen again. */
  async close(): Promise<void> {
    if (!this.address) return;
    await this.address;
    await new Promise<void>((resolve) => this.server!.close(resolve));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  private async startServer(): Promise<{ host: string; port: number }> {
    // Loaded here: a server that mails for real does without it.
    const { SMTPServer } = await import('smtp-server');
    this.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      size: MAX_MAIL_BYTES,
      maxRecipients: MAX_RECIPIENTS,
      maxClients: MAX_CLIENTS,
      closeTimeout: CLOSE_TIMEOUT_MS,
      onData: (stream, session, done) => void this.receive(stream, session).then(() => done(), done),
    });
    // A client that hangs up in the midst of a sentence is its own affair.
    this.server.on('error', () => undefined);
    const server = this.server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    return { host: address, port };
  }

  private async receive(stream: SMTPServerDataStream, { envelope }: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (!stream.sizeExceeded) chunks.push(chunk);
    }
    if (stream.sizeExceeded) {
      throw Object.assign(new Error(`Over ${MAX_MAIL_BYTES} bytes`), { responseCode: 552 });
    }
    this.keep(await readMail(Buffer.concat(chunks), toEnvelope(envelope), this.clock.now()));
  }

  private keep(mail: CaughtMail): void {
    this.mails.unshift(mail);
    let length = 0;
    const cut = this.mails.findIndex((each, index) => {
      length += each.source.length;
      return index >= MAX_MAILS || length > MAX_TOTAL_LENGTH;
    });
    if (cut >= 0) this.mails.length = cut;
    this.arrivals.emit('mail');
  }
}

function toEnvelope({ mailFrom, rcptTo }: SMTPServerSession['envelope']): Envelope {
  return { from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address) };
}
