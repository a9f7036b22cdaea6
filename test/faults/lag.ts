// Runs before the server: measures how late its event loop is, and sends that to the harness on request.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Lag {
  p95: number;
  max: number;
}

const histogram = monitorEventLoopDelay({ resolution: 5 });
const inMilliseconds = (value: number) => value / 1e6;

process.on('message', ({ lag }: { lag?: 'begin' | 'end' }) => {
  if (lag === 'begin') {
    histogram.reset();
    histogram.enable();
  }
  if (lag === 'end') {
    const measured: Lag = {
      p95: inMilliseconds(histogram.percentile(95)),
      max: inMilliseconds(histogram.max),
    };
    process.send!(measured);
  }
});
// The channel alone must not keep the server from ending.
process.channel!.unref();
