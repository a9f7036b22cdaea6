// Runs before the server: measures how late its event loop is, and tells when it is asked.
const { monitorEventLoopDelay } = require('node:perf_hooks');

const histogram = monitorEventLoopDelay({ resolution: 5 });
const inMilliseconds = (value) => value / 1e6;

process.on('message', ({ lag }) => {
  if (lag === 'begin') {
    histogram.reset();
    histogram.enable();
  }
  if (lag === 'end') {
    const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max];
    process.send({ p50: inMilliseconds(p50), p99: inMilliseconds(p99), max: inMilliseconds(max) });
  }
});
// The channel alone must not keep the server from ending.
process.channel.unref();
