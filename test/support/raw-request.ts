import { IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Sends path, headers and body exactly as they are; other clients tidy them up first. */
export function sendAsIs(
  url: string,
  path: string,
  { body, ...options }: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, ...options }, (answer) => {
      const { statusCode: status, headers } = answer;
      text(answer).then((body) => resolve({ status: status!, headers, text: body }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

/** Writes to the socket and gives back what comes until the server hangs up. */
export function writeToSocket(url: string, message: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    connect(Number(port), hostname)
      // A server that has heard enough hangs up in the middle of the message.
      .on('error', () => undefined)
      .on('data', (data) => (answer += data.toString()))
      .on('close', () => resolve(answer))
      .write(message);
  });
}
