import { type AddressInfo, createServer, Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

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
  /** What it answers to other commands, by their first word; `TEXT` is the end of a mail. */
  answers: Record<string, string> = {};
  /** Key and certificate: with them it speaks TLS, after a STARTTLS that it answers with 220, or at once. */
  certificate?: { key: string; cert: string };
  tlsFromFirstByte = false;
  /** What of `commands` was said in clear text. */
  readonly inClear: string[] = [];
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
    this.commands.length = this.inClear.length = this.mails.length = this.connections = 0;
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    if (this.greeting === undefined) return;
    const talk = this.tlsFromFirstByte ? this.secure(socket) : socket;
    talk.write(`${this.greeting}\r\n`);
    this.converse(talk);
  }

  private secure(socket: Socket): Socket {
    return new TLSSocket(socket, { isServer: true, ...this.certificate }).on('error', () => undefined);
  }

  private converse(socket: Socket): void {
    let inMail = false;
    let unread = '';
    const read = (chunk: Buffer) => {
      unread += chunk.toString('latin1');
      for (;;) {
        const mark = inMail ? END_OF_DATA : '\r\n';
        const end = unread.indexOf(mark);
        if (end < 0) return;
        const part = unread.slice(0, end + mark.length);
        unread = unread.slice(part.length);
        if (!inMail) this.note(part.slice(0, -2), socket);
        const answer = this.answerTo(inMail ? 'TEXT' : part);
        if (inMail && answer.startsWith('2')) this.mails.push(part);
        inMail = answer.startsWith('354');
        socket.write(`${answer}\r\n`);
        if (this.certificate && /^STARTTLS/i.test(part) && answer.startsWith('220')) {
          socket.off('data', read);
          return this.converse(this.secure(socket));
        }
      }
    };
    socket.on('data', read);
  }

  private note(command: string, socket: Socket): void {
    this.commands.push(command);
    if (!(socket instanceof TLSSocket)) this.inClear.push(command);
  }

  private answerTo(command: string): string {
    const answer = this.answers[/^[A-Z]+/.exec(command)?.[0] ?? ''];
    if (answer !== undefined) return answer;
    if (command === 'TEXT') return '250 taken';
    if (/^EHLO/i.test(command)) return this.ehlo;
    if (/^STARTTLS/i.test(command)) return this.startTls;
    if (/^DATA/i.test(command)) return '354 go on';
    return /^QUIT/i.test(command) ? '221 bye' : '250 ok';
  }
}
