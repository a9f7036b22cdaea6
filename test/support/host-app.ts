import { INestApplication, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import supertest from 'supertest';
import { Mailer, parseEmailAddress, User, UsersOptions, UsersService } from '../../src';
import { RecordedOutbox } from '../../src/testing';
import { until } from './mail-reader';
import type { AdapterName } from './test-app';

export const PASSWORD = 'correct horse battery staple';
export const NEW_PASSWORD = 'staple battery horse correct';

/** An application of somebody else, on a real socket, with our modules in it and nothing set up for them. */
export class HostApp {
  private constructor(
    private readonly app: INestApplication,
    private readonly url: string,
  ) {}

  static async start(
    module: Type,
    adapter: AdapterName,
    setUp: (app: INestApplication) => void = () => undefined,
  ): Promise<HostApp> {
    const testing = await Test.createTestingModule({ imports: [module] }).compile();
    const http = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = testing.createNestApplication(http, { logger: false });
    setUp(app);
    await app.listen(0, '127.0.0.1');
    return HostApp.of(app);
  }

  static of(app: INestApplication): HostApp {
    // Slow hashes prove nothing here.
    app.get(UsersOptions).bcryptCost = 4;
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    return new HostApp(app, `http://127.0.0.1:${port}`);
  }

  stop(): Promise<void> {
    return this.app.close();
  }

  /** What the host's modules provide. */
  get<T>(token: abstract new (...parameters: never) => T): T {
    return this.app.get<T>(token);
  }

  get http() {
    return supertest(this.url);
  }

  /** Where a host with a {@link RecordedOutbox} for a mailer has its mails. */
  get outbox(): RecordedOutbox {
    return this.get(Mailer) as RecordedOutbox;
  }

  /** A new account, with an address that no other test uses. */
  createUser(email = `${randomUUID()}@example.com`): Promise<User> {
    const address = parseEmailAddress(email)!;
    return this.get(UsersService).create({ email: address, username: 'Susan', password: PASSWORD });
  }

  ask(email: string) {
    return this.http.post('/api/password-reset').send({ email });
  }

  look(token: string) {
    return this.http.post('/api/password-reset/verify').send({ token });
  }

  confirm(token: string, password = NEW_PASSWORD) {
    return this.http.post('/api/password-reset/confirm').send({ token, password });
  }

  login(email: string, password = PASSWORD) {
    return this.http.post('/api/auth/login').send({ email, password });
  }

  me(accessToken: string) {
    return this.http.get('/api/users/me').set('Authorization', `Bearer ${accessToken}`);
  }

  async accessTokenFor(email: string): Promise<string> {
    const { body } = await this.login(email).expect(200);
    return body.accessToken;
  }

  /** Asks, and takes the link out of the mail that the host's outbox records. */
  async linkFor(email: string): Promise<string> {
    const outbox = this.outbox;
    const seen = outbox.to(email).length;
    await this.ask(email).expect(202);
    await until(() => outbox.to(email).length > seen, `a mail to ${email}`);
    return outbox.lastResetLink(email);
  }

  async tokenFor(email: string): Promise<string> {
    return tokenIn(await this.linkFor(email));
  }

  /** The whole road: ask, look, confirm; then the old password is dead and the new one good. */
  async recover(email: string, token?: string): Promise<void> {
    const secret = token ?? (await this.tokenFor(email));
    await this.look(secret).expect(200);
    await this.confirm(secret).expect(204);
    await this.confirm(secret, 'yet another long password').expect(410);
    await this.login(email, PASSWORD).expect(401);
    await this.login(email, NEW_PASSWORD).expect(200);
  }
}

/** The token at the end of a link. */
export function tokenIn(link: string): string {
  return /[\w.-]+$/.exec(link)![0];
}
