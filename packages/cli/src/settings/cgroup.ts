import { posix } from "node:path";

const root = "/sys/fs/cgroup";

/**
 * How many CPUs the control group of this process may use (Linux, cgroup v2, `cpu.max`), rounded up; `Infinity` without a quota.
 * Containers get their `--cpus` this way, of which `os.availableParallelism()` of Node.js 20 knows nothing.
 *
 * @param read gives the text of a file, or `undefined` where there is none.
 */
export function cgroupCpus(read: (path: string) => string | undefined): number {
  const path = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1];
  if (path === undefined) return Infinity;
  let least = Infinity;
  // A group may use no more than those it is part of.
  for (let group = posix.normalize(path); ; group = posix.dirname(group)) {
    least = Math.min(least, quotaOf(read(posix.join(root, group, "cpu.max"))));
    if (group === "/") return Math.ceil(least);
  }
}

/** `QUOTA PERIOD` in microseconds, or `max PERIOD`. */
function quotaOf(text: string | undefined): number {
  const [, quota, period] = /^([0-9]+) ([1-9][0-9]*)\s*$/.exec(text ?? "") ?? [];
  return quota === undefined || period === undefined ? Infinity : Number(quota) / Number(period);
}
