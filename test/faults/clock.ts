// Runs before the server: its clock is wrong by so much (CLOCK_SHIFT_MS), and jumps when the harness says so.
let shift = Number(process.env.CLOCK_SHIFT_MS ?? 0);
const RealDate = Date;

globalThis.Date = class Date extends RealDate {
  constructor(...args: [] | [value: number]) {
    if (args.length === 0) super(RealDate.now() + shift);
    else super(...args);
  }

  static override now() {
    return RealDate.now() + shift;
  }
} as DateConstructor;

process.on('message', ({ shiftMs }: { shiftMs?: number }) => {
  if (shiftMs !== undefined) shift = shiftMs;
});
// The channel alone must not keep the server from ending.
process.channel!.unref();
