import { createServer, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** The server of a mail provider, which keeps what it is given. */
export class MailProvider {
  readonly mails: { id: string; from: string; to: string; subject: string; html: string; text: string }[] =
    [];
  /** What it answers to the next mails; then, that all is well. */
  readonly answers: number[] = [];
  private readonly server: Server = createServer((request, response) => {
    void json(request).then((body) => {
      this.mails.push({ ...(body as this['mails'][number]), id: String(request.headers['idempotency-key']) });
      response.writeHead(this.answers.shift() ?? 202).end();
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/send`;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  to(address: string) {
    return this.mails.filter(({ to }) => to === address);
  }
}
