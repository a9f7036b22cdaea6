import { createServer, Server, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

const END_OF_DATA = '\r\n.\r\n';

/** A mail server that believes everything and keeps what it is sent byte for byte, one character each. */
export class SmtpWire {
  /** Everything that was no part of a mail, line by line. */
  readonly commands: string[] = [];
  /** What came between DATA and the end of it, which is included. */
  readonly mails: string[] = [];
  connections = 0;
  /** What it says first; a silent server says nothing at all. */
  greeting: string | undefined = '220 wire';
  /** What it answers to an EHLO and to a STARTTLS. */
  ehlo = '250 wire';
  startTls = '454 no';
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => this.serve(socket));

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.hangUp();
    await closed;
  }

  /** Ends every conversation, also one in which nothing is said. */
  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  forget(): void {
    this.commands.length = this.mails.length = this.connections = 0;
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    if (this.greeting === undefined) return;
    socket.setEncoding('latin1');
    socket.write(`${this.greeting}\r\n`);
    let inMail = false;
    let unread = '';
    socket.on('data', (text) => {
      unread += text.toString();
      for (;;) {
        const mark = inMail ? END_OF_DATA : '\r\n';
        const end = unread.indexOf(mark);
        if (end < 0) return;
        const part = unread.slice(0, end + mark.length);
        unread = unread.slice(part.length);
        if (inMail) this.mails.push(part);
        else this.commands.push(part.slice(0, -2));
        const answer = inMail ? '250 taken' : this.answerTo(part);
        inMail = answer.startsWith('354');
        socket.write(`${answer}\r\n`);
      }
    });
  }

  private answerTo(command: string): string {
    if (/^EHLO/i.test(command)) return this.ehlo;
    if (/^STARTTLS/i.test(command)) return this.startTls;
    if (/^DATA/i.test(command)) return '354 go on';
    return /^QUIT/i.test(command) ? '221 bye' : '250 ok';
  }
}
