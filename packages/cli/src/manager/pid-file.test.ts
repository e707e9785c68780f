import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Fixtures } from "../testing/command.ts";
import { PidFile } from "./pid-file.ts";

const mine = `${process.pid}\n`;

describe("PidFile", () => {
  it("holds the number of the process, and goes with it", async () => {
    await using fixtures = await Fixtures.make({});
    const path = `${fixtures.directory}/pid`;
    const file = new PidFile(path, false);
    file.write();
    expect(await readFile(path, "utf8")).toBe(mine);
    file.remove();
    await expect(readFile(path)).rejects.toThrow("ENOENT");
  });

  it("refuses that of another process that lives, and leaves it", async () => {
    await using fixtures = await Fixtures.make({ pid: `${process.ppid}\n` });
    const file = new PidFile(`${fixtures.directory}/pid`, false);
    expect(() => file.write()).toThrow(`is that of process ${process.ppid}, which is running`);
    file.remove();
    expect(await readFile(`${fixtures.directory}/pid`, "utf8")).toBe(`${process.ppid}\n`);
  });

  it.each(["999999999\n", "no number", ""])("replaces one that is left over: %j", async (left) => {
    await using fixtures = await Fixtures.make({ pid: left });
    const path = `${fixtures.directory}/pid`;
    new PidFile(path, false).write();
    expect(await readFile(path, "utf8")).toBe(mine);
  });

  it("waits beside that of an old parent, and takes its place", async () => {
    await using fixtures = await Fixtures.make({ pid: `${process.ppid}\n` });
    const path = `${fixtures.directory}/pid`;
    const file = new PidFile(path, true);
    file.write();
    expect(await readFile(`${path}.2`, "utf8")).toBe(mine);
    file.promote();
    expect(await readFile(path, "utf8")).toBe(mine);
    await expect(readFile(`${path}.2`)).rejects.toThrow("ENOENT");
    await writeFile(path, "1\n");
    file.remove();
    expect(await readFile(path, "utf8")).toBe("1\n");
  });

  it("does nothing where none is wanted, and says where it cannot be written", async () => {
    const none = new PidFile(undefined, false);
    none.write();
    none.promote();
    none.remove();
    await using fixtures = await Fixtures.make({});
    const path = `${fixtures.directory}/no/such/folder/pid`;
    expect(() => new PidFile(path, false).write()).toThrow(`cannot write the pid file ${path}: ENOENT`);
  });
});
