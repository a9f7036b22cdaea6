// What Linux knows about a process.
import { readFileSync } from 'node:fs';

/** Of the clock that processor time is counted in, on every common machine. */
const MS_A_TICK = 10;

/** Processor time of all threads of a process, in milliseconds, and without it that of the children that have ended. */
export function cpuMs(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
}

/** The same of a process and all its children, those that have ended included. */
export function familyCpuMs(pid: number): number {
  const fields = statOf(pid);
  const ended = (Number(fields[13]) + Number(fields[14])) * MS_A_TICK;
  return childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), cpuMs(pid) + ended);
}

/** Memory of a process in MiB: now, and at most since it started. */
export function memoryOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]) / 1024;
  return { now: mib('VmRSS'), peak: mib('VmHWM') };
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children ? children.split(' ').map(Number) : [];
}

/** The fields of `stat` from the third on: the second, the name, may hold spaces. */
function statOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
}
