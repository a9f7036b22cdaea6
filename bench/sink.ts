// The mail server that mails go to.
import { Sink } from '../test/faults/sink';
import { answerRequests } from './helper';

export type SinkRequest =
  | { ask: 'port' }
  /** Forgets every mail. */
  | { ask: 'reset' }
  | { ask: 'count' }
  /** Whether a reset link has come to an address. */
  | { ask: 'hasLink'; address: string }
  /** The token of the latest reset link to each recipient. */
  | { ask: 'tokens' };

const sink = new Sink();
const started = sink.start();

answerRequests<SinkRequest, number | boolean | string[]>(async (request) => {
  const { port } = await started;
  switch (request.ask) {
    case 'port':
      return port;
    case 'reset':
      sink.newestTo.clear();
      sink.attempts.clear();
      return (sink.messages.length = 0);
    case 'count':
      return sink.messages.length;
    case 'hasLink':
      return sink.newestTo.has(request.address);
    case 'tokens':
      return [...sink.newestTo.values()].map(({ token }) => token!);
  }
});
