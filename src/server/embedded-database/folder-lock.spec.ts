import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Claim, claimFolder, latestClaim } from './folder-lock';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-lock-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it('has no claim in a new folder', async () => {
  await expect(latestClaim(folder)).resolves.toEqual({ generation: 0 });
});

it('is won by exactly one of many who claim at the same moment', async () => {
  for (let generation = 1; generation <= 20; generation += 1) {
    const claims = Array.from({ length: 10 }, (_, n) => claimBy(`${generation}-${n}`));
    const outcomes = await Promise.all(claims.map((claim) => claimFolder(folder, generation, claim)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    await expect(latestClaim(folder)).resolves.toEqual({ generation, claim: claims[outcomes.indexOf(true)] });
  }
  await expect(readdir(folder)).resolves.toEqual(['20.json']);
});

it('is not won by one who slept while others came and went', async () => {
  for (const generation of [1, 2, 3]) await claimFolder(folder, generation, claimBy(`owner ${generation}`));
  await expect(claimFolder(folder, 2, claimBy('sleeper'))).resolves.toBe(false);
  await expect(readdir(folder)).resolves.toEqual(['3.json']);
});

function claimBy(token: string): Claim {
  return { pid: 1, port: 1, token };
}
