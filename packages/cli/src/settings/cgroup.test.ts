import { describe, expect, it } from "vitest";
import { cgroupCpus } from "./cgroup.ts";

const machine =
  (files: Readonly<Record<string, string>>): ((path: string) => string | undefined) =>
  (path) =>
    files[path];

describe("cgroupCpus", () => {
  it("reads the quota of a container", () => {
    expect(cgroupCpus(machine({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n" }))).toBe(2);
  });

  it("rounds up", () => {
    expect(cgroupCpus(machine({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n" }))).toBe(2);
    expect(cgroupCpus(machine({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "10000 100000\n" }))).toBe(1);
  });

  it("takes the least of the groups that it is in", () => {
    const files = {
      "/proc/self/cgroup": "12:cpu:/old\n0::/system.slice/site.service\n",
      "/sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/system.slice/site.service/cpu.max": "max 100000\n",
    };
    expect(cgroupCpus(machine(files))).toBe(3);
  });

  it.each([{}, { "/proc/self/cgroup": "1:cpu:/\n" }, { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "nonsense 0\n" }])(
    "finds no quota in %j",
    (files) => {
      expect(cgroupCpus(machine(files))).toBe(Infinity);
    },
  );
});
