import fastifyCookie from '@fastify/cookie';
import { INestApplication } from '@nestjs/common';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { serveApiDocs } from './api-docs';
import { ProblemFilter, toProblem } from './common';
import type { Settings } from './env';
import { PageExceptionFilter } from './pages';

/** Bodies of ours have a few hundred bytes. */
export const BODY_LIMIT_BYTES = 64 * 1024;

/** The HTTP adapter of our own server. */
export function createAdapter({ trustProxy }: Pick<Settings, 'trustProxy'>): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: () => randomUUID(),
    // A path that Fastify cannot even decode never reaches Nest and its filters.
    frameworkErrors: (error: Error, { id }: FastifyRequest, reply: FastifyReply) => {
      const problem = toProblem(error, id);
      void reply
        .status(problem.status)
        .header('Content-Type', 'application/problem+json; charset=utf-8')
        .header('Cache-Control', 'no-store')
        .header('X-Content-Type-Options', 'nosniff')
        .send(JSON.stringify(problem));
    },
    // A number of hops, so that whatever a client writes into the forwarded headers itself is not believed.
    trustProxy: trustProxy === 0 ? false : trustProxy,
    routerOptions: { maxParamLength: 1024 },
  });
}

/** What every application of ours gets, the server and each end-to-end test alike, on any HTTP adapter. */
export function setUp(app: INestApplication, settings: Pick<Settings, 'publicUrl' | 'apiDocs'>): void {
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          baseUri: ["'none'"],
          frameAncestors: ["'none'"],
          formAction: ["'none'"],
        },
      },
      referrerPolicy: { policy: 'no-referrer' },
      strictTransportSecurity: settings.publicUrl.startsWith('https:') && { maxAge: 31_536_000 },
      xFrameOptions: { action: 'deny' },
    }),
  );
  // For what fails before a controller is found, such as a body that cannot be read.
  app.useGlobalFilters(app.get(ProblemFilter));
  if (settings.apiDocs) serveApiDocs(app);
}

/** What the pages and the access log need beside that; our own server only. */
export async function setUpFastify(app: NestFastifyApplication, log?: Logger): Promise<void> {
  await app.register(fastifyCookie);
  app.useGlobalFilters(app.get(PageExceptionFilter));
  if (log) logRequests(app, log);
  closeUnusedConnections(app);
}

/** Browsers open connections ahead of their requests; the server's end would wait a minute for a word on each. */
function closeUnusedConnections(app: NestFastifyApplication): void {
  const unused = new Set<Socket>();
  const server: Server = app.getHttpServer();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('preClose', (done) => {
    unused.forEach((socket) => socket.destroy());
    done();
  });
}

/** Logs the route and never the path: a path may hold a token. */
function logRequests(app: NestFastifyApplication, log: Logger): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onResponse', (request, reply, done) => {
      log.info(
        {
          context: 'Http',
          requestId: request.id,
          method: request.method,
          route: request.routeOptions.url ?? 'unknown',
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime),
        },
        'request',
      );
      done();
    });
}
