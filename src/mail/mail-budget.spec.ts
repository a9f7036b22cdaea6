import { Logger } from '@nestjs/common';
import { SecurityEvents } from '../common';

import { InMemoryRateLimiter } from '../testing/in-memory-rate-limiter';
import { MovableClock } from '../testing/movable-clock';
import { MailAllowance, MailBudget, MailBudgetSpentError } from './mail-budget';
import { MailOptions } from './mail.options';
import type { MailTemplate } from './mailer';

const RECOVERY: MailTemplate = { name: 'reset-password', subject: 'a subject' };
const TO_TYPED_ADDRESS: MailTemplate = { ...RECOVERY, toTypedAddress: true };
/** Blocks are of ten then. */
const MAILS_PER_HOUR = 2000;

/** Two processes that share their counters. */
function twoBudgets() {
  const clock = new MovableClock();
  const limiter = new InMemoryRateLimiter();
  const counts = jest.spyOn(limiter, 'reserve');
  const options = Object.assign(new MailOptions(), { mailsPerHour: MAILS_PER_HOUR });
  const open = () => new MailBudget(new SecurityEvents(clock), clock, options, limiter);
  return { clock, counts, one: open(), other: open() };
}

/** @returns those of so many mails that may leave, tried a hundred at a time */
async function take(budget: MailBudget, mails: number, template = RECOVERY): Promise<MailAllowance[]> {
  const allowed: MailAllowance[] = [];
  for (let tried = 0; tried < mails; tried += 100) {
    const tries = Array.from({ length: Math.min(100, mails - tried) }, () => budget.consume(template));
    for (const result of await Promise.allSettled(tries)) {
      if (result.status === 'fulfilled') allowed.push(result.value);
      else expect(result.reason).toBeInstanceOf(MailBudgetSpentError);
    }
  }
  return allowed;
}

describe('the mails of an hour', () => {
  let alarms: jest.SpyInstance;
  beforeEach(() => {
    jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
    alarms = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  });
  afterEach(() => jest.restoreAllMocks());

  it('are counted once a block of them', async () => {
    const { one, counts } = twoBudgets();
    expect(await take(one, 100)).toHaveLength(100);
    expect(counts).toHaveBeenCalledTimes(10);
  });

  it('are never more than the limit, of two processes that reserve blocks', async () => {
    const { one, other } = twoBudgets();
    let left = 0;
    for (let round = 0; round < 50; round++)
      for (const budget of [one, other]) left += (await take(budget, 33)).length;
    expect(left).toBe(MAILS_PER_HOUR);
  });

  it('raise one alarm, whoever is refused', async () => {
    const { one, other } = twoBudgets();
    for (let round = 0; round < 50; round++) for (const budget of [one, other]) await take(budget, 33);
    expect(alarms).toHaveBeenCalledTimes(1);
  });

  it('are kept, a quarter of them, for those that go to no typed address', async () => {
    const { one, other } = twoBudgets();
    const typed = [await take(one, 1000, TO_TYPED_ADDRESS), await take(other, 1000, TO_TYPED_ADDRESS)];
    // One of them is reserved by the process that does not send it.
    expect(typed.flat()).toHaveLength(1499);
    expect(await take(other, 1000)).toHaveLength(501);
  });

  it('are for the others where a process has reserved more than it sends, and stops', async () => {
    const { one, other } = twoBudgets();
    await take(one, 1);
    expect((await take(other, MAILS_PER_HOUR)).length).toBe(MAILS_PER_HOUR - 10);
    const again = twoBudgets();
    await take(again.one, 1);
    await again.one.beforeApplicationShutdown();
    expect((await take(again.other, MAILS_PER_HOUR)).length).toBe(MAILS_PER_HOUR - 1);
  });

  it('are those that left: one that is taken back leaves later, without a count', async () => {
    const { one, counts } = twoBudgets();
    for (let n = 0; n < 100; n++) for (const mail of await take(one, 5)) mail.refund();
    expect(counts).toHaveBeenCalledTimes(1);
  });

  it('are not those of the hour before: what was reserved and not sent is void', async () => {
    const { one, counts, clock } = twoBudgets();
    const [mail] = await take(one, 1);
    clock.advance(3600);
    mail!.refund();
    await one.beforeApplicationShutdown();
    await take(one, 1);
    expect(counts).toHaveBeenCalledTimes(2);
  });
});
