import { Logger } from '@nestjs/common';
import { MovableClock } from '../testing';
import { MailRoad } from './mail-road';

describe('the road to the mail server', () => {
  let clock: MovableClock;
  let road: MailRoad;
  let lines: string[];

  beforeEach(() => {
    clock = new MovableClock();
    road = new MailRoad(clock);
    lines = [];
    for (const level of ['error', 'warn', 'log'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((...args: unknown[]) => {
        lines.push(`${level}: ${String(args[0]).replace(/[.,] .*$|; .*$/, '')}`);
      });
  });
  afterEach(() => jest.restoreAllMocks());

  it('raises one alert in an outage of a day, and one more when it turns into a refusal', () => {
    for (let hour = 0; hour < 24; hour++) {
      road.failed('ECONNREFUSED');
      clock.advance(3600);
    }
    expect(lines).toEqual(['warn: The mail server cannot be used now: ECONNREFUSED']);
    road.failed('535 5.7.8 at AUTH');
    clock.advance(7200);
    road.failed('550 5.4.5 at MAIL');
    road.failed('ECONNREFUSED');
    expect(lines.slice(1)).toEqual(['error: The mail server refuses us: 535 5.7.8 at AUTH']);
    expect(road.state).toMatchObject({ status: 'down', answer: 'ECONNREFUSED' });
  });

  it('raises one alert an hour where it comes and goes', () => {
    for (let minute = 0; minute < 121; minute++) {
      road.failed('550 5.4.5 at RCPT');
      road.passed();
      clock.advance(60);
    }
    expect(lines.filter((line) => line.startsWith('error'))).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('log'))).toHaveLength(2);
    expect(road.state).toEqual({ status: 'up' });
  });

  it('says since when it is down, not when it was last', () => {
    const since = clock.now().getTime();
    road.failed('421 at CONN');
    clock.advance(600);
    road.failed('554 at CONN');
    const { state } = road;
    expect(state).toMatchObject({ status: 'down', answer: '554 at CONN' });
    expect(new Date((state as { since: string }).since).getTime()).toBeLessThan(since + 60_000);
  });
});
