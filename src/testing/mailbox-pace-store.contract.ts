import { randomUUID } from 'node:crypto';
import { secondsAfter, Transactions } from '../common';
import { MailboxPaceStore } from '../mail';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const NONE = { registrations: [], changes: [] };

/** What every {@link MailboxPaceStore} promises. */
export function mailboxPaceStoreContract(
  store: () => MailboxPaceStore,
  transactions: () => Transactions,
): void {
  it('gives back what was stored of a mailbox, and nothing of another', async () => {
    const [mailbox, other] = [randomUUID(), randomUUID()];
    const latest = { registrations: [NOW, secondsAfter(NOW, -60)], changes: [secondsAfter(NOW, -1)] };
    await transactions().run(async () => {
      expect(await store().lock(mailbox, NOW)).toEqual(NONE);
      await store().save(mailbox, latest);
    });
    await transactions().run(async () => expect(await store().lock(mailbox, NOW)).toEqual(latest));
    await transactions().run(async () => expect(await store().lock(other, NOW)).toEqual(NONE));
  });

  it('puts 20 parallel transactions of one mailbox in order, also where it has got no mail yet', async () => {
    const mailbox = randomUUID();
    const seen: number[] = [];
    const mails = Array.from({ length: 20 }, () =>
      transactions().run(async () => {
        const { registrations } = await store().lock(mailbox, NOW);
        seen.push(registrations.length);
        await store().save(mailbox, { registrations: [...registrations, NOW], changes: [] });
      }),
    );
    await Promise.all(mails);
    expect(seen.sort((a, b) => a - b)).toEqual(mails.map((_, n) => n));
  });

  it('takes a mail back when the transaction that counted it fails', async () => {
    const mailbox = randomUUID();
    const failing = transactions().run(async () => {
      await store().lock(mailbox, NOW);
      await store().save(mailbox, { registrations: [NOW], changes: [] });
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    await transactions().run(async () => expect(await store().lock(mailbox, NOW)).toEqual(NONE));
  });

  it('forgets the mailboxes of before a moment, and no others', async () => {
    const [old, kept] = [randomUUID(), randomUUID()];
    for (const [mailbox, at] of [
      [old, secondsAfter(NOW, -1)],
      [kept, NOW],
    ] as const)
      await transactions().run(async () => {
        await store().lock(mailbox, at);
        await store().save(mailbox, { registrations: [at], changes: [] });
      });
    expect(await store().deleteExpired(NOW)).toBeGreaterThan(0);
    await transactions().run(async () => expect(await store().lock(old, NOW)).toEqual(NONE));
    await transactions().run(async () =>
      expect(await store().lock(kept, NOW)).toEqual({ registrations: [NOW], changes: [] }),
    );
  });

  it('reads many mailboxes at once, if at all, and waits for nobody', async () => {
    const [mailbox, none] = [randomUUID(), randomUUID()];
    const latest = { registrations: [NOW], changes: [] };
    await transactions().run(async () => {
      await store().lock(mailbox, NOW);
      await store().save(mailbox, latest);
    });
    const found = await store().findAll([mailbox, none]);
    expect([new Map(), new Map([[mailbox, latest]])]).toContainEqual(found);
  });
}
