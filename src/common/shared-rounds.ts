interface Waiting<Input, Output> {
  input: Input;
  resolve: (output: Output) => void;
  reject: (error: unknown) => void;
}

/** How rounds follow each other. */
export interface RoundOptions {
  /** How many rounds may be under way: with one, those that come meanwhile share the next. */
  atATime?: number;
  /** The longest wait for a round to begin. Unlimited where it is left out. */
  patienceMs?: number;
}

/**
 * Does the same work for several callers at once, such as one statement for many rows: those of one turn of the event loop
 * share a round.
 */
export class SharedRounds<Input, Output> {
  private waiting: Waiting<Input, Output>[] = [];
  private running = 0;
  private impatience?: NodeJS.Timeout;

  /** @param work one round. @returns the outputs in the order of the inputs; what it throws, every caller of the round gets */
  constructor(
    private readonly work: (inputs: readonly Input[]) => Promise<readonly Output[]>,
    private readonly options: RoundOptions = {},
  ) {}

  /** Fulfilled when a round has done this input. @throws an outage (ETIMEDOUT) where it has waited too long, and nothing was done */
  do(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      const isFirst = this.waiting.push({ input, resolve, reject }) === 1;
      if (!isFirst) return;
      const { patienceMs } = this.options;
      if (this.running < this.atATime) setImmediate(() => void this.run());
      else if (patienceMs) this.impatience = setTimeout(() => this.refuseAll(), patienceMs);
    });
  }

  private get atATime(): number {
    return this.options.atATime ?? 1;
  }

  private async run(): Promise<void> {
    this.running += 1;
    do await this.runRound(this.takeWaiting());
    while (this.running === this.atATime && this.waiting.length > 0);
    this.running -= 1;
  }

  private takeWaiting(): Waiting<Input, Output>[] {
    clearTimeout(this.impatience);
    return this.waiting.splice(0);
  }

  /** The round under way does not end: those that have come since are refused with the first of them. */
  private refuseAll(): void {
    const error = Object.assign(new Error('the round before does not end'), { code: 'ETIMEDOUT' });
    for (const { reject } of this.takeWaiting()) reject(error);
  }

  private async runRound(round: Waiting<Input, Output>[]): Promise<void> {
    const begin = performance.now();
    try {
      const outputs = await this.work(round.map(({ input }) => input));
      round.forEach(({ resolve }, n) => resolve(outputs[n]!));
    } catch (error) {
      for (const { reject } of round) reject(error);
      // Those that wait would wait as long.
      if (performance.now() - begin > (this.options.patienceMs ?? Infinity)) this.refuseAll();
    }
  }
}
