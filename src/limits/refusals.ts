const MEMORY_MS = 1_000;

interface Refusal {
  forgottenAt: number;
  windowEndsAt: number;
}

/**
 * Who has just been refused, for a second: a flood from one source would otherwise be a flood of updates of one row, for
 * whose lock the connections of everybody else would wait. Only for limits that take nothing back.
 */
export class Refusals {
  private readonly refusals = new Map<string, Refusal>();

  add(key: string, retryAfterSeconds: number): void {
    const now = performance.now();
    this.forgetBefore(now);
    const windowEndsAt = now + retryAfterSeconds * 1000;
    this.refusals.set(key, { forgottenAt: Math.min(now + MEMORY_MS, windowEndsAt), windowEndsAt });
  }

  /** @returns seconds to wait, whole; `undefined` for a key that has to be counted */
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
