interface Waiting<Input, Output> {
  input: Input;
  resolve: (output: Output) => void;
  reject: (error: unknown) => void;
}

/**
 * Does the same work for several callers at once, such as one statement for many rows: those of one turn of the event loop
 * share a round.
 */
export class SharedRounds<Input, Output> {
  private waiting: Waiting<Input, Output>[] = [];
  private running = 0;

  /**
   * @param work one round. @returns the outputs in the order of the inputs; what it throws, every caller of the round gets
   * @param atATime how many rounds may be under way: with one, those that come meanwhile share the next
   */
  constructor(
    private readonly work: (inputs: readonly Input[]) => Promise<readonly Output[]>,
    private readonly atATime = 1,
  ) {}

  /** Fulfilled when a round has done this input. */
  do(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      const isFirst = this.waiting.push({ input, resolve, reject }) === 1;
      if (isFirst && this.running < this.atATime) setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    this.running += 1;
    do await this.runRound(this.waiting.splice(0));
    while (this.running === this.atATime && this.waiting.length > 0);
    this.running -= 1;
  }

  private async runRound(round: Waiting<Input, Output>[]): Promise<void> {
    try {
      const outputs = await this.work(round.map(({ input }) => input));
      round.forEach(({ resolve }, n) => resolve(outputs[n]!));
    } catch (error) {
      for (const { reject } of round) reject(error);
    }
  }
}
