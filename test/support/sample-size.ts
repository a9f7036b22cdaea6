/** How many of the cases of a property are tried: all in `npm run test:full`, else a tenth, the same ones each time. */
export function sampleSize(all: number): number {
  return process.env['TEST_FULL'] ? all : Math.ceil(all / 10);
}
