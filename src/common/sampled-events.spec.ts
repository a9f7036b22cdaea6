import { MovableClock } from '../testing';
import { SampledEvents } from './sampled-events';
import type { SecurityEvent, SecurityEvents } from './security-events';

describe('sampled events', () => {
  let clock: MovableClock;
  let recorded: SecurityEvent[];
  let sampled: SampledEvents;

  beforeEach(() => {
    clock = new MovableClock();
    recorded = [];
    const events = { record: (event: SecurityEvent) => Promise.resolve(void recorded.push(event)) };
    sampled = new SampledEvents(events as SecurityEvents, clock);
  });

  const refuse = (ip: string, act: SecurityEvent['act'] = 'link_refused') =>
    sampled.record({ act, outcome: 'failure', source: { ip }, details: { route: '/x' } });
  const refuseOften = async (times: number, ip: string) => {
    for (let n = 0; n < times; n++) await refuse(ip);
  };

  it('are recorded one by one up to twenty in a minute, each act and source for itself', async () => {
    await refuseOften(25, '192.0.2.1');
    expect(recorded).toHaveLength(20);
    expect(await refuse('192.0.2.1')).toBe(false);
    expect(await refuse('192.0.2.2')).toBe(true);
    expect(await refuse('192.0.2.1', 'access_refused')).toBe(true);
  });

  it('are summed up at the end of the minute, once, without what was particular to one of them', async () => {
    await refuseOften(25, '192.0.2.1');
    await refuseOften(20, '192.0.2.2');
    recorded.length = 0;
    clock.advance(60);
    await sampled.summarize();
    await sampled.summarize();
    expect(recorded).toEqual([
      { act: 'link_refused', outcome: 'failure', source: { ip: '192.0.2.1' }, details: { more: 5 } },
    ]);
    expect(await refuse('192.0.2.1')).toBe(true);
  });

  it('are summed up when the process ends', async () => {
    await refuseOften(21, '192.0.2.1');
    await sampled.onModuleDestroy();
    expect(recorded.at(-1)).toMatchObject({ details: { more: 1 } });
  });

  it('of ten thousand sources in a minute become no flood', async () => {
    for (let n = 0; n < 10_000; n++) await refuse(`2001:db8::${n.toString(16)}`);
    expect(recorded).toHaveLength(120);
    clock.advance(61);
    await sampled.summarize();
    expect(recorded.slice(120)).toEqual([
      { act: 'link_refused', outcome: 'failure', details: { more: 10_000 - 120 } },
    ]);
  });
});
