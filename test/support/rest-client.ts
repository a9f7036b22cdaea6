import http from 'node:http';

const ANSWER_PATIENCE_MS = 15_000;

/** What came back. No `status` means that nobody knows what became of the request; then `error` says why. */
export interface Answer {
  status?: number;
  error?: string;
  headers: http.IncomingHttpHeaders;
  text: string;
  ms: number;
}

export interface CallOptions {
  body?: unknown;
  bearer?: string;
  /** The client's address as a proxy reports it. */
  source?: string;
  patienceMs?: number;
}

/** The REST API as a client in a process of its own sees it. Keeps its connections open, and never throws. */
export class RestClient {
  private readonly agent: http.Agent;

  constructor(
    readonly port: number,
    private readonly options: { connections?: number; isBehindProxy?: boolean } = {},
  ) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: options.connections ?? 500 });
  }

  call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, bearer, source = this.someSource(), patienceMs = ANSWER_PATIENCE_MS } = options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers: http.OutgoingHttpHeaders = {};
    if (source !== undefined) headers['X-Forwarded-For'] = source;
    if (text !== undefined) {
      headers['Content-Type'] = 'application/json';
      headers['Content-Length'] = Buffer.byteLength(text);
    }
    if (bearer !== undefined) headers.Authorization = `Bearer ${bearer}`;
    const begin = performance.now();
    return new Promise((fulfill) => {
      const done = (answer: Partial<Answer>) =>
        fulfill({ headers: {}, text: '', ...answer, ms: performance.now() - begin });
      const fail = (error: NodeJS.ErrnoException) => done({ error: error.code ?? error.message });
      const { port, agent } = this;
      const options = { host: '127.0.0.1', port, method, path, headers, agent, timeout: patienceMs };
      const request = http.request(options, (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
        response.on('error', fail);
        response.on('end', () => {
          done({ status: response.statusCode, headers: response.headers, text: answer });
        });
      });
      request.on('timeout', () => request.destroy(new Error('no answer')));
      request.on('error', fail);
      request.end(text);
    });
  }

  requestReset(email: string, options?: CallOptions) {
    return this.call('POST', '/api/password-reset', { ...options, body: { email } });
  }

  inspect(token: string, options?: CallOptions) {
    return this.call('POST', '/api/password-reset/verify', { ...options, body: { token } });
  }

  confirm(token: string, password: string, options?: CallOptions) {
    return this.call('POST', '/api/password-reset/confirm', { ...options, body: { token, password } });
  }

  login(email: string, password: string, options?: CallOptions) {
    return this.call('POST', '/api/auth/login', { ...options, body: { email, password } });
  }

  register(account: { email: string; username: string; password: string }, options?: CallOptions) {
    return this.call('POST', '/api/users', { ...options, body: account });
  }

  /** Reads the account that a session belongs to. */
  me(bearer: string) {
    return this.call('GET', '/api/users/me', { bearer });
  }

  isLive(options?: CallOptions) {
    return this.call('GET', '/health/live', options);
  }

  isReady(options?: CallOptions) {
    return this.call('GET', '/health/ready', options);
  }

  close() {
    this.agent.destroy();
  }

  /** An address that no other request came from, where the server believes that it is behind a proxy. */
  private someSource() {
    if (this.options.isBehindProxy === false) return undefined;
    return `10.${[1, 2, 3].map(() => Math.floor(Math.random() * 256)).join('.')}`;
  }
}
