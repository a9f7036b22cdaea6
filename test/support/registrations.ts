import { randomUUID } from 'node:crypto';
import { PASSWORD, TestApp } from './test-app';

/** Longer than the longest gap between two mails to one mailbox. */
const PACE_OVER = 601;

/** Registers people at a server, as its clients do, and looks at what it keeps of that. */
export class Registrations {
  constructor(private readonly server: TestApp) {}

  /** An address that no other test uses. */
  static someAddress(): string {
    return `${randomUUID()}@example.com`;
  }

  register(email: string, changes: object = {}) {
    return this.server.http
      .post('/api/users')
      .send({ email, username: 'Susan', password: PASSWORD, ...changes });
  }

  /** @param password the one that was typed at the registration */
  verify(token: string, password = PASSWORD) {
    return this.server.http.post('/api/users/verify').send({ token, password });
  }

  /** Registers, once the mailbox may get a mail again, and takes the token out of the mail that comes. */
  async tokenFor(email: string, changes: object = {}): Promise<string> {
    this.server.clock.advance(PACE_OVER);
    const seen = this.server.mails.countTo(email);
    await this.register(email, changes).expect(202);
    const token = verifyTokenIn((await this.server.mails.next(email, seen, 'verify_email/')).text);
    // What is recorded of the hand-over comes after the mail; it must not fall into what a test then looks at.
    await this.server.idle();
    return token;
  }

  /** What is stored of the attempts with an address, oldest first. */
  rows(email: string) {
    return this.server.database.query<{ id: string; password_hash: string | null }[]>(
      'SELECT * FROM latchkey.registrations WHERE email_key = $1 ORDER BY created_at',
      [email.toLowerCase()],
    );
  }

  accounts(email: string) {
    return this.server.database.query<{ id: string; unverified_since: Date | null }[]>(
      'SELECT * FROM latchkey.users WHERE email_key = $1',
      [email.toLowerCase()],
    );
  }

  async disable(email: string): Promise<void> {
    await this.server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE email = $1', [
      email,
    ]);
  }
}

/** The token in the only link of a text. */
export function verifyTokenIn(text: string): string {
  const tokens = [...text.matchAll(/http:\/\/localhost:3000\/verify_email\/([\w.-]+)/g)];
  expect(tokens).toHaveLength(1);
  return tokens[0]![1]!;
}
