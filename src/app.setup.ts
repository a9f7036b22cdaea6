import fastifyCookie from '@fastify/cookie';
import { INestApplication } from '@nestjs/common';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { serveApiDocs } from './api-docs';
import { ProblemFilter, toProblem } from './common';
import { allowOrigins } from './cross-origin';
import { Draining } from './draining';
import type { Settings } from './env';
import { healthOnly } from './health-only';
import { PageExceptionFilter } from './pages';
import { securityHeaderLines, securityHeaders } from './security-headers';
import { UnknownRouteFilter } from './unknown-route.filter';

/** Bodies of ours have a few hundred bytes. */
export const BODY_LIMIT_BYTES = 64 * 1024;
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
/** What Node's parser names; anything else of its errors is a request that cannot be read. */
const BROKEN_REQUESTS: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Longer than any body of ours takes on a slow line; whoever sends a byte at a time is let go. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP adapter of our own server. */
export function createAdapter(settings: Pick<Settings, 'publicUrl' | 'trustProxy'>): FastifyAdapter {
  const { trustProxy } = settings;
  const addHeaders = securityHeaders(settings);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    // A path that Fastify cannot even decode never reaches Nest and its filters.
    frameworkErrors: (error: Error, { id }: FastifyRequest, reply: FastifyReply) => {
      const problem = toProblem(error, id);
      void reply
        .status(problem.status)
        .header('Content-Type', PROBLEM_TYPE)
        .header('Cache-Control', 'no-store')
        .send(JSON.stringify(problem));
    },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) =>
      answerBrokenRequest(error, socket, securityHeaderLines(settings)),
    // A number of hops, so that whatever a client writes into the forwarded headers itself is not believed.
    trustProxy: trustProxy === 0 ? false : trustProxy,
    routerOptions: { maxParamLength: 1024 },
  });
  // Some paths that cannot be decoded are answered by Fastify without its hooks, so by Nest without its middleware.
  const { server } = adapter.getInstance();
  server.prependListener('request', (request, response) => addHeaders(request, response, () => undefined));
  return adapter;
}

/** What Node's parser cannot read never becomes a request; the socket is all there is to answer on. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, headers: string[]): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const statusCode = BROKEN_REQUESTS[error.code ?? ''] ?? 400;
  const problem = toProblem({ statusCode }, randomUUID());
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    ...headers,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  // It may well go on sending what nobody reads.
  socket.destroySoon();
}

/** What every application of ours gets, the server and each end-to-end test alike, on any HTTP adapter. */
export function setUp(
  app: INestApplication,
  settings: Pick<Settings, 'publicUrl' | 'apiDocs' | 'corsOrigins' | 'role'>,
): void {
  app.use(securityHeaders(settings));
  if (settings.role === 'worker') app.use(healthOnly);
  if (settings.corsOrigins.length > 0) app.use(allowOrigins(settings.corsOrigins));
  // For what fails before a controller is found, such as a body that cannot be read.
  app.useGlobalFilters(new UnknownRouteFilter(app, app.get(ProblemFilter)));
  if (settings.apiDocs) serveApiDocs(app);
}

/** What the pages and the access log need beside that; our own server only. */
export async function setUpFastify(app: NestFastifyApplication, log?: Logger): Promise<void> {
  await app.register(fastifyCookie);
  app.useGlobalFilters(new UnknownRouteFilter(app, app.get(PageExceptionFilter)));
  if (log) logRequests(app, log);
  leaveConnections(app);
  closeUnusedConnections(app);
  ignoreExpectations(app);
}

/** Node's own answer to an unknown `Expect` has none of our headers. It may be ignored (RFC 9110, section 10.1.1). */
function ignoreExpectations(app: NestFastifyApplication): void {
  const server: Server = app.getHttpServer();
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/**
 * A process that is about to end asks its clients to take another connection (RFC 9112, section 9.6): whoever sends a
 * request on one while it is closed cannot know whether anybody has read it.
 */
function leaveConnections(app: NestFastifyApplication): void {
  const draining = app.get(Draining);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (_, reply, done) => {
    if (draining.begun) void reply.header('Connection', 'close');
    done();
  });
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
