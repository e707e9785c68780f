import { createHash } from "node:crypto";
import { hasProgram, startPostgres, startRedis, type RunningProgram } from "@gateway/testing/programs";
import { describe, expect, it } from "vitest";
import { campaignTimeout, scaled } from "@gateway/testing/campaign";
import { openStore, type OpenStore, type StoreAddress } from "./test-open-store.ts";

const crashes = scaled(50);
const expiresAt = Date.now() + 3_600_000;

const servers: readonly { readonly name: StoreAddress["kind"]; readonly program: string; readonly start: () => Promise<Server> }[] =
  [
    { name: "redis 6", program: "redis-server", start: () => redis("redis 6") },
    { name: "ioredis 5", program: "redis-server", start: () => redis("ioredis 5") },
    {
      name: "PostgreSQL",
      program: "postgres",
      start: async () => {
        const program = await startPostgres();
        return { program, address: { kind: "PostgreSQL", at: program.address } };
      },
    },
  ];

interface Server {
  readonly program: RunningProgram;
  readonly address: StoreAddress;
}

async function redis(kind: "redis 6" | "ioredis 5"): Promise<Server> {
  const program = await startRedis();
  return { program, address: { kind, at: program.address } };
}

/** Long enough to be cut in the middle, and different in each version from end to end. */
function dataOf(id: string, version: number): string {
  return createHash("sha512").update(`${id} ${version}`).digest("hex").repeat(200);
}

/** A session that is written all the time. */
class Writer {
  readonly id: string;
  /** The last version that the store has acknowledged. */
  written = 0;

  constructor(index: number) {
    this.id = createHash("sha256").update(`writer ${index}`).digest("base64url");
  }

  /** Writes version after version, until the store rejects: that one may have been written, or not. */
  async untilCrash({ store }: OpenStore, onWrite: () => void): Promise<unknown> {
    for (;;) {
      const version = this.written + 1;
      try {
        const done = await store.write(this.id, { data: dataOf(this.id, version), version, expiresAt });
        if (!done) return new Error(`version ${version} was refused`);
      } catch {
        return undefined;
      }
      this.written = version;
      onWrite();
    }
  }

  /** What is there must be whole, and nothing that was acknowledged may be missing. @returns what is wrong. */
  async check({ store }: OpenStore): Promise<string | undefined> {
    const record = await store.read(this.id);
    const version = record?.version ?? 0;
    if (version !== this.written && version !== this.written + 1)
      return `version ${version} after ${this.written} was acknowledged`;
    if (record !== undefined && record.data !== dataOf(this.id, version)) return `version ${version} has other data`;
    if (record !== undefined && record.expiresAt !== expiresAt) return `version ${version} has another end`;
    this.written = version;
    return undefined;
  }
}

describe.each(servers)("$name, killed while it writes", ({ name, program, start }) => {
  it.skipIf(!hasProgram(program))(
    "has every record whole afterwards, the old version or the new one, and rejects in between",
    async () => {
      const server = await start();
      await using _ = server.program;
      const opened = openStore(server.address);
      await opened.ready();
      const writers = Array.from({ length: 16 }, (_, index) => new Writer(index));
      let inDoubt = 0;

      for (let crash = 1; crash <= crashes; crash++) {
        let writes = 0;
        let reached = (): void => {};
        const inTheMiddle = new Promise<void>((resolve) => (reached = resolve));
        // A different moment each time.
        const running = writers.map((writer) => writer.untilCrash(opened, () => void (++writes === 40 + 7 * crash && reached())));
        await inTheMiddle;
        // The next writes are on their way now, or are being done.
        for (let turns = crash % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
        await server.program.kill();
        expect(await Promise.all(running)).toEqual(writers.map(() => undefined));

        const { store } = opened;
        const [{ id, written }] = writers as [Writer];
        await expect(async () => store.read(id)).rejects.toBeInstanceOf(Error);
        await expect(async () => store.write(id, { data: "", version: written + 1, expiresAt })).rejects.toBeInstanceOf(Error);
        await expect(async () => store.touch(id, 0)).rejects.toBeInstanceOf(Error);
        await expect(async () => store.delete(id)).rejects.toBeInstanceOf(Error);

        await server.program.restart();
        await opened.ready();
        const before = writers.map((writer) => writer.written);
        expect(await Promise.all(writers.map((writer) => writer.check(opened)))).toEqual(writers.map(() => undefined));
        inDoubt += writers.filter((writer, index) => writer.written !== before[index]).length;
      }

      const versions = writers.reduce((sum, writer) => sum + writer.written, 0);
      console.log(
        `${name}: ${crashes} crashes in ${versions} writes; ${inDoubt} writes that were not acknowledged were done all the same`,
      );
      await opened.end();
    },
    campaignTimeout,
  );
});
