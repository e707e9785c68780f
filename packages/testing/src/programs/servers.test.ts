import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { findProgram, hasProgram } from "./find-program.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis, type RunningRedis } from "./redis.ts";

/** One command, and what Redis answers. */
function ask({ address }: RunningRedis, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.path).setEncoding("utf8");
    socket.once("error", reject).once("data", (text: string) => {
      socket.destroy();
      resolve(text.trim());
    });
    socket.write(`${command}\r\n`);
  });
}

describe.skipIf(!hasProgram("redis-server"))("startRedis", () => {
  it("takes commands, and has what it acknowledged after a kill", async () => {
    await using redis = await startRedis({ args: ["--maxmemory", "7mb"] });
    expect(await ask(redis, "CONFIG GET maxmemory")).toContain("7340032");
    for (const number of [1, 2, 3]) {
      expect(await ask(redis, `SET key ${number}`)).toBe("+OK");
      await redis.kill();
      await expect(ask(redis, "PING")).rejects.toThrow(/ECONNREFUSED|ENOENT/);
      await redis.restart();
      expect(await ask(redis, "GET key")).toBe(`$1\r\n${number}`);
    }
  });

  it("gives each test an empty one of its own", async () => {
    await using one = await startRedis();
    await using other = await startRedis();
    await ask(one, "SET key 1");
    expect(await ask(other, "DBSIZE")).toBe(":0");
    await one.stop();
    expect(existsSync(one.folder)).toBe(false);
  });
});

describe.skipIf(!hasProgram("postgres") || !hasProgram("psql"))("startPostgres", () => {
  it("takes queries, and has what it committed after a kill", async () => {
    await using postgres = await startPostgres({ settings: { work_mem: "7MB" } });
    const { host, port, user, database } = postgres.address;
    const query = async (text: string): Promise<string> => {
      const args = ["-h", host, "-p", String(port), "-U", user, "-d", database, "-v", "ON_ERROR_STOP=1", "-qtAc", text];
      const { stdout } = await promisify(execFile)(findProgram("psql")!, args);
      return stdout.trim();
    };
    expect(await query("SHOW work_mem; SHOW server_encoding")).toBe("7MB\nUTF8");
    await query("CREATE TABLE kept (value int)");
    for (const number of [1, 2, 3]) {
      await query(`INSERT INTO kept VALUES (${number})`);
      await postgres.kill();
      await expect(query("SELECT 1")).rejects.toThrow(/connection to server/);
      await postgres.restart();
      expect(await query("SELECT count(*) FROM kept")).toBe(String(number));
    }
    await postgres.stop();
    expect(existsSync(postgres.folder)).toBe(false);
  });
});
