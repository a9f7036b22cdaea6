// A mail server on bare sockets, so that it can misbehave in every phase; it keeps what it has taken.
import { EventEmitter } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { readMail } from './mail';
import { delay } from './time';

export type Phase = 'banner' | 'ehlo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'body';

/** What becomes of a phase: the usual reply, if nothing is set. */
export interface Action {
  reply?: string;
  stall?: boolean;
  drop?: boolean;
  /** First of all waits so long, or for this. */
  afterMs?: number;
  after?: Promise<void>;
}

export interface Message extends ReturnType<typeof readMail> {
  at: number;
  to: string;
  isSecure: boolean;
  /** Numbers the connections of a mail server. */
  connection: number;
}

interface Stall {
  phase: Phase;
  began: number;
  /** Until the client hung up. */
  ms?: number;
}

/** What a client says, and the phase that it begins. The banner comes unasked; `body` ends with the final dot. */
const PHASES: Record<string, Phase> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  STARTTLS: 'starttls',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
};
const REPLIES: Partial<Record<Phase, string>> = {
  banner: '220 sink ESMTP',
  starttls: '220 go ahead',
  mail: '250 ok',
  rcpt: '250 ok',
  data: '354 go ahead',
  body: '250 taken',
};
const END_OF_BODY = '\r\n.\r\n';

/** Emits `message` for each that it takes over. */
export class Sink extends EventEmitter {
  readonly messages: Message[] = [];
  /** The latest mail with a reset link to each recipient. */
  newestTo = new Map<string, Message>();
  /** When each recipient was named, by address. */
  attempts = new Map<string, number[]>();
  /** Recipients that were named without TLS. */
  namedInClear = new Set<string>();
  /** Of each phase that was stalled: which, and when the client hung up. */
  stalls: Stall[] = [];
  sessions = new Set<Session>();
  connectionCount = 0;
  offersTls = false;
  /** Key and certificate, where it can do what it offers. */
  certificate: { key: Buffer; cert: Buffer } | undefined;
  /** Decides what becomes of each phase. */
  react: (phase: Phase, session: Session) => Action | undefined = () => undefined;
  port = 0;
  private server = net.createServer();

  async start() {
    this.server = net.createServer((socket) => this.join(socket));
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    ({ port: this.port } = this.server.address() as AddressInfo);
    return this;
  }

  /** Connections break, and new ones are refused until the next start. */
  async stop() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const { socket } of this.sessions) socket.destroy();
    await closed;
  }

  to(address: string) {
    return this.messages.filter((message) => message.to === address);
  }

  private join(socket: Socket) {
    const session = new Session(this, socket, this.connectionCount++);
    this.sessions.add(session);
    socket.on('close', () => this.sessions.delete(session));
    socket.on('error', () => undefined);
    void session.answer('banner');
  }

  /** @returns how often the address has been named, this time included */
  noteAttempt(address: string, isSecure: boolean) {
    if (!isSecure) this.namedInClear.add(address);
    const times = this.attempts.get(address) ?? [];
    this.attempts.set(address, times);
    times.push(Date.now());
    return times.length;
  }

  take(session: Session, raw: string) {
    const { to, isSecure, number: connection } = session;
    const message: Message = { at: Date.now(), to, isSecure, connection, ...readMail(raw) };
    this.messages.push(message);
    if (message.kind === 'reset') this.newestTo.set(message.to, message);
    this.emit('message', message);
  }
}

/** One connection of a client. */
export class Session {
  to = '';
  socket!: Socket;
  private buffer = '';
  private inBody = false;
  isSecure = false;
  /** How often this recipient has been named, this time included. */
  attempt = 0;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly sink: Sink,
    socket: Socket,
    readonly number: number,
  ) {
    this.listen(socket);
  }

  private listen(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.buffer += chunk.toString('latin1');
      // One after the other: a client may send ahead, and a phase may take its time.
      this.work = this.work.then(() => this.read());
    });
  }

  /** From here on the client has to believe the certificate. */
  private secure() {
    const { socket } = this;
    socket.removeAllListeners('data');
    const secure = new tls.TLSSocket(socket, { isServer: true, ...this.sink.certificate });
    secure.on('error', () => socket.destroy());
    this.isSecure = true;
    this.listen(secure);
  }

  private async read() {
    for (let end; (end = this.buffer.indexOf(this.inBody ? END_OF_BODY : '\r\n')) >= 0;) {
      const text = this.buffer.slice(0, end);
      this.buffer = this.buffer.slice(end + (this.inBody ? END_OF_BODY.length : 2));
      if (this.inBody) await this.endBody(text);
      else await this.command(text);
    }
  }

  private async command(line: string) {
    const verb = line.slice(0, 8).split(/[ :]/)[0]!.toUpperCase();
    const phase = PHASES[verb];
    if (!phase) return this.say(verb === 'QUIT' ? '221 bye' : '250 ok');
    if (phase === 'rcpt') {
      this.to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      this.attempt = this.sink.noteAttempt(this.to, this.isSecure);
    }
    const taken = await this.answer(phase);
    if (phase === 'data' && taken) this.inBody = true;
    if (phase === 'starttls' && taken && this.sink.certificate && this.sink.offersTls) this.secure();
  }

  private async endBody(raw: string) {
    this.inBody = false;
    await this.answer('body', raw);
  }

  /** @returns whether the client may go on to the next phase */
  async answer(phase: Phase, raw?: string): Promise<boolean> {
    const action = this.sink.react(phase, this) ?? {};
    const refused = /^[45]/.test(action.reply ?? '');
    // A mail is in the hands of this server with the final dot, whatever happens to the answer (RFC 5321, 6.1).
    if (raw !== undefined && !refused) this.sink.take(this, raw);
    if (action.afterMs) await delay(action.afterMs);
    await action.after;
    if (action.stall) return this.stall(phase);
    if (action.drop) {
      this.socket.destroy();
      return false;
    }
    this.say(action.reply ?? this.usualReply(phase));
    if (action.reply?.startsWith('421')) this.socket.end();
    return !refused;
  }

  private usualReply(phase: Phase): string {
    if (phase === 'starttls' && !this.sink.offersTls) return '502 5.5.1 no such command';
    if (phase !== 'ehlo') return REPLIES[phase]!;
    return `250-sink\r\n${this.sink.offersTls ? '250-STARTTLS\r\n' : ''}250 8BITMIME`;
  }

  private stall(phase: Phase): Promise<boolean> {
    const began = Date.now();
    const stall: Stall = { phase, began };
    this.sink.stalls.push(stall);
    return new Promise((resolve) => {
      this.socket.once('close', () => {
        stall.ms = Date.now() - began;
        resolve(false);
      });
    });
  }

  private say(reply: string) {
    if (this.socket.writable) this.socket.write(`${reply}\r\n`);
  }
}
