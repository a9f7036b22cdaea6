const MEMORY_MS = 1_000;

interface Refusal {
  forgottenAt: number;
  windowEndsAt: number;
}

/**
 * Remembers for a second which keys were refused. Otherwise a flood from one source would be a flood of updates of one row,
 * and every connection would wait for its lock. Only for limits that refund nothing.
 */
export class Refusals {
  private readonly refusals = new Map<string, Refusal>();

  add(key: string, retryAfterSeconds: number): void {
    const now = performance.now();
    this.forgetBefore(now);
    const windowEndsAt = now + retryAfterSeconds * 1000;
    this.refusals.set(key, { forgottenAt: Math.min(now + MEMORY_MS, windowEndsAt), windowEndsAt });
  }

  /** @returns whole seconds to wait; `undefined` for a key that has to be counted */
  retryAfterSeconds(key: string): number | undefined {
    const now = performance.now();
    const refusal = this.refusals.get(key);
    if (!refusal || refusal.forgottenAt <= now) return undefined;
    return Math.ceil((refusal.windowEndsAt - now) / 1000);
  }

  /** The oldest come first. */
  private forgetBefore(now: number): void {
    for (const [key, { forgottenAt }] of this.refusals) {
      if (forgottenAt > now) return;
      this.refusals.delete(key);
    }
  }
}
