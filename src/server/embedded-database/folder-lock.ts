import { createHash } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How to reach the process that serves a data folder. */
export interface Claim {
  pid: number;
  /** Its guard: a TCP server on 127.0.0.1 that listens from before the claim until the process has ended. */
  port: number;
  /** What the guard answers, so that no other program on that port is taken for it. Only this user can read it here. */
  token: string;
}

/** What a user shows the guard. A hash, so that another program on that port does not learn the token. */
export function proofOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** The latest claim on a data folder; without `claim` where there is none, or none that can be read. */
export interface LatestClaim {
  generation: number;
  claim?: Claim;
}

/**
 * Reads who claimed a data folder last.
 *
 * Claims are numbered files, and the highest number counts. A dead claim is superseded, never removed: two processes that
 * both saw it dead could otherwise remove each other's new one.
 */
export async function latestClaim(folder: string): Promise<LatestClaim> {
  const generation = await latestGeneration(folder);
  if (generation === 0) return { generation };
  try {
    return { generation, claim: JSON.parse(await readFile(claimFile(folder, generation), 'utf8')) as Claim };
  } catch (error) {
    // Cut short by a power failure, which ended its owner too.
    if (error instanceof SyntaxError) return { generation };
    // Superseded and removed between the two reads.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return latestClaim(folder);
    throw error;
  }
}

/**
 * Claims a data folder; to be called only when the owner of `generation - 1` is known to be dead.
 *
 * @returns whether the folder now belongs to the caller; of any number of processes, exactly one wins
 */
export async function claimFolder(folder: string, generation: number, claim: Claim): Promise<boolean> {
  const draft = join(folder, `${claim.token}.tmp`);
  await writeFile(draft, JSON.stringify(claim), { mode: 0o600 });
  try {
    // A hard link appears at once, complete, and only where nothing was.
    await link(draft, claimFile(folder, generation));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new Error(
      `Cannot lock ${folder} (${message}). Its file system must support hard links: ` +
        'move the folder to another one, or set DATABASE_URL to use a PostgreSQL server.',
    );
  } finally {
    await rm(draft, { force: true });
  }
  // The number may have been free only because later owners had removed it.
  const won = (await latestGeneration(folder)) === generation;
  const obsolete = won ? (await generations(folder)).filter((other) => other < generation) : [generation];
  await Promise.all(obsolete.map((other) => rm(claimFile(folder, other), { force: true })));
  return won;
}

async function latestGeneration(folder: string): Promise<number> {
  return Math.max(0, ...(await generations(folder)));
}

async function generations(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name)).map((name) => parseInt(name, 10));
}

function claimFile(folder: string, generation: number): string {
  return join(folder, `${generation}.json`);
}
