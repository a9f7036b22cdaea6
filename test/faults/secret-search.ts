// Looks for what must be in no log and no table: tokens, and passwords in clear text.

/** Part of every password that the harness uses, and of nothing else. */
export const CANARY = 'quartz lantern';

const SECRET = new RegExp(`eyJ[\\w-]{10,}\\.[\\w-]{10,}\\.[\\w-]{20,}|${CANARY}`);
/** Longer than any token: one that two pieces share is seen with the second. */
const OVERLAP = 1500;

export class SecretSearch {
  found = 0;
  private rest = '';
  sample?: string;

  read(text: string) {
    const window = this.rest + text;
    const match = SECRET.exec(window);
    if (match) {
      this.found++;
      this.sample ??= window.slice(Math.max(0, match.index - 80), match.index + 40);
    }
    // Not what was found: it would be found again.
    this.rest = match ? '' : window.slice(-OVERLAP);
  }
}
