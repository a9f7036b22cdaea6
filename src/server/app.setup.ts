import fastifyCookie from '@fastify/cookie';
import { INestApplication } from '@nestjs/common';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { serveApiDocs } from './api-docs';
import { ProblemFilter, toProblem } from '../http';
import { allowOrigins } from './cross-origin';
import { Draining } from './draining';
import type { Settings } from './settings';
import { healthOnly } from './health-only';
import { PageExceptionFilter } from '../pages';
import { warnOfUncountedProxy } from './proxy-check';
import { securityHeaderLines, securityHeaders } from './security-headers';
import { UnknownRouteFilter } from './unknown-route.filter';

/** Our bodies have a few hundred bytes. */
export const BODY_LIMIT_BYTES = 64 * 1024;
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
/** Statuses for errors of Node's parser; every other one is a malformed request. */
const BROKEN_REQUESTS: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Longer than any of our bodies takes on a slow line, and an end to clients that send a byte at a time. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP adapter of the server. */
export function createAdapter(settings: Pick<Settings, 'publicUrl' | 'trustProxy'>): FastifyAdapter {
  const { trustProxy } = settings;
  const addHeaders = securityHeaders(settings);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    // A path that Fastify cannot decode never reaches Nest and its filters.
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
    // A number of hops, so that what a client writes into the forwarded headers is not trusted.
    trustProxy: trustProxy === 0 ? false : trustProxy,
    // Mail programs add and drop slashes at the end of a link.
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
  });
  // Fastify answers some malformed paths without its hooks, and therefore without Nest's middleware.
  const { server } = adapter.getInstance();
  server.prependListener('request', (request, response) => addHeaders(request, response, () => undefined));
  return adapter;
}

/** A message that Node's parser rejects never becomes a request: the answer goes straight to the socket. */
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
  // The client may keep sending, but nothing more is read.
  socket.destroySoon();
}

/** Sets up the server and every end-to-end test alike, on any HTTP adapter. */
export function setUp(
  app: INestApplication,
  settings: Pick<Settings, 'publicUrl' | 'apiDocs' | 'corsOrigins' | 'role' | 'environment' | 'trustProxy'>,
): void {
  app.use(securityHeaders(settings));
  if (settings.environment === 'production' && settings.trustProxy === 0) app.use(warnOfUncountedProxy());
  if (settings.role === 'worker') app.use(healthOnly);
  if (settings.corsOrigins.length > 0) app.use(allowOrigins(settings.corsOrigins));
  // For errors before a controller is found, such as a malformed body.
  app.useGlobalFilters(new UnknownRouteFilter(app, app.get(ProblemFilter)));
  if (settings.apiDocs === 'on') serveApiDocs(app);
}

/** Sets up what needs Fastify: cookies, pages, the access log, connections. */
export async function setUpFastify(app: NestFastifyApplication, log?: Logger): Promise<void> {
  await app.register(fastifyCookie);
  app.useGlobalFilters(new UnknownRouteFilter(app, app.get(PageExceptionFilter)));
  if (log) logRequests(app, log);
  acceptAbsentBodies(app);
  closeConnectionsWhileDraining(app);
  closeUnusedConnections(app);
  ignoreExpectations(app);
}

/**
 * Many clients label every request as JSON, even one without a body. Fastify's parser refuses those, so the label of an
 * absent body (RFC 9112, section 6.3: neither a length nor a coding) is dropped.
 */
function acceptAbsentBodies(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', ({ headers }, _, done) => {
    const isAbsent = headers['transfer-encoding'] === undefined && !Number(headers['content-length'] ?? 0);
    if (isAbsent && /^application\/json[ \t]*(;|$)/i.test(headers['content-type'] ?? ''))
      delete headers['content-type'];
    done();
  });
}

/** Node's own answer to an unknown `Expect` lacks our headers. The field may be ignored (RFC 9110, section 10.1.1). */
function ignoreExpectations(app: NestFastifyApplication): void {
  const server: Server = app.getHttpServer();
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/**
 * A process that is about to end asks its clients for a new connection (RFC 9112, section 9.6): a client whose connection
 * closes while it sends a request cannot know whether the request was processed.
 */
function closeConnectionsWhileDraining(app: NestFastifyApplication): void {
  const draining = app.get(Draining);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (_, reply, done) => {
    if (draining.isDraining) void reply.header('Connection', 'close');
    done();
  });
}

/** Browsers open connections ahead of their requests; without this the shutdown waits a minute for each. */
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

/** Logs the route, never the path: a path may contain a token. */
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
