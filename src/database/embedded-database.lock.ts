import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the process that serves a data folder tells about itself. */
export interface Claim {
  pid: number;
  /** Its guard: a TCP server on 127.0.0.1 that listens before the claim is made and until the process has ended. */
  port: number;
  /** What the guard says first, so that nobody takes another program on that port for it. */
  token: string;
}

/** The latest claim on a data folder; without `claim` where there is none, or none that can be read. */
export interface LatestClaim {
  generation: number;
  claim?: Claim;
}

/**
 * Reads who claimed a data folder last.
 *
 * Claims are numbered files, and the highest number counts. A dead claim is never removed, only outnumbered: removing it
 * would let two processes that both saw it dead remove each other's new one.
 */
export async function latestClaim(folder: string): Promise<LatestClaim> {
  const generation = await highestGeneration(folder);
  if (generation === 0) return { generation };
  try {
    return { generation, claim: parseClaim(await readFile(claimFile(folder, generation), 'utf8')) };
  } catch (error) {
    // Outnumbered and tidied away between the two reads.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return latestClaim(folder);
    throw error;
  }
}

/**
 * Claims a data folder; call it only when the owner of `generation - 1` is known to be dead.
 *
 * @returns whether the folder is the caller's now: of any number of processes, exactly one is told so
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
  // The number may have been free only because later owners had tidied it away.
  const won = (await highestGeneration(folder)) === generation;
  await removeClaims(folder, (other) => (won ? other < generation : other === generation));
  return won;
}

async function removeClaims(folder: string, isObsolete: (generation: number) => boolean): Promise<void> {
  const obsolete = (await generations(folder)).filter(isObsolete);
  await Promise.all(obsolete.map((generation) => rm(claimFile(folder, generation), { force: true })));
}

async function highestGeneration(folder: string): Promise<number> {
  return Math.max(0, ...(await generations(folder)));
}

async function generations(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name)).map((name) => parseInt(name, 10));
}

function claimFile(folder: string, generation: number): string {
  return join(folder, `${generation}.json`);
}

/** A claim cut short by a power failure is no claim: whoever made it went down with the machine. */
function parseClaim(text: string): Claim | undefined {
  try {
    return JSON.parse(text) as Claim;
  } catch {
    return undefined;
  }
}
