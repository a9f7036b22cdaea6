// The load driver: each of its connections sends its next request when the previous one has been answered.
import { Client } from 'undici';
import { quantile } from '../test/faults/time';
import { answerRequests } from './helper';

/** What is sent. In `body` and `headers`, `{n}` is the number of the request, `{value}` the n-th of `values`, in turn. */
export interface Load {
  origin: string;
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: string;
  values?: string[];
  /** The number of the first request. */
  first: number;
  /** Where the numbers end: so no address is requested twice, no link used twice. */
  end?: number;
  connections: number;
  seconds: number;
  /** The only status that is a success. */
  expected: number;
}

export interface LoadResult {
  answers: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** How many answers had another status, by status. */
  failures: Record<string, number>;
}

async function drive(load: Load): Promise<LoadResult> {
  const { connections, seconds, expected, end = Infinity } = load;
  const times: number[] = [];
  const failures: Record<string, number> = {};
  const begin = performance.now();
  let next = load.first;
  const lane = async () => {
    const client = new Client(load.origin);
    while (next < end && performance.now() - begin < seconds * 1000) {
      const request = requestOf(load, next++);
      const sent = performance.now();
      const { statusCode, body } = await client.request(request);
      await body.dump();
      times.push(performance.now() - sent);
      if (statusCode !== expected) failures[statusCode] = (failures[statusCode] ?? 0) + 1;
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return {
    answers: times.length,
    seconds: (performance.now() - begin) / 1000,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    failures,
  };
}

/** Each request comes from a source of its own, as a proxy reports it: the limits are on, and nobody gets to them. */
function requestOf({ method, path, headers = {}, body, values = [] }: Load, n: number) {
  const value = values[n % values.length] ?? '';
  const fill = (text: string) => text.replace('{n}', String(n)).replace('{value}', value);
  const filled = Object.entries(headers).map(([name, text]) => [name, fill(text)]);
  const source = { 'x-forwarded-for': `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}` };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return {
    method,
    path,
    headers: { ...source, ...type, ...(Object.fromEntries(filled) as Record<string, string>) },
    body: body && fill(body),
  };
}

answerRequests(drive);
