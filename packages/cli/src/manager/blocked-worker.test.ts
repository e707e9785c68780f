import { describe, expect, it } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";
import { loadedApplication, requestOnce } from "../testing/load.ts";

function start(fixtures: Fixtures, ...args: readonly string[]): Command {
  return Command.start(["-b", "127.0.0.1:0", "--no-control-socket", ...args, "app.mjs"], fixtures.directory);
}

async function placeOf(command: Command): Promise<{ readonly host: string; readonly port: number }> {
  return { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
}

describe("gateway --timeout", () => {
  it.each(["1s", "2s", "3s"])(
    "says within %s what blocks a worker which is ready only just, while others boot",
    async (timeout) => {
      await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
      await using command = start(fixtures, "-w", "3", "--timeout", timeout);
      const place = await placeOf(command);
      const blocked = requestOnce(place, "/block").catch(String);
      await command.said("stderr", /worker 1 gave no sign of life for [\d.]+ seconds: it is replaced/);
      expect(command.stderr).toMatch(
        /the loop of worker 1 has been blocked for [\d.]+ seconds:\n[^]*at .*app\.mjs:\d+:\d+[^]*GET \/block for \d[^]*gave no sign of life/,
      );
      expect(await blocked).toMatch(/Error/);
    },
  );
});

describe("gateway, whose application does not come to its end", () => {
  it("names shutdown() when it kills the worker", async () => {
    const app = `export const shutdown = () => new Promise(() => {});\n${hello}`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await using command = start(fixtures, "--graceful-timeout", "100ms");
    await command.url();
    command.process.kill("SIGTERM");
    const { code, stderr } = await command.ended;
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "gateway: worker 1 did not end in time and is killed: shutdown() of the application has not finished\n",
    });
  });

  it.each([
    [
      "startup() when that hangs",
      `export const startup = () => { for (;;); };\n${hello}`,
      "startup() of the application did not finish within --boot-timeout (2s)",
    ],
    [
      "its loading when that hangs",
      `await new Promise((resolve) => setTimeout(resolve, 1e6));\n${hello}`,
      "loading the application did not finish within --boot-timeout (2s)",
    ],
    [
      "process.exit when it called that",
      "process.exit(7);",
      "the worker ended before it was ready: exit status 7: the application called process.exit(7)",
    ],
  ])("names %s", async (_what, app, why) => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await using command = start(fixtures, "--boot-timeout", "2s");
    expect(await command.ended).toMatchObject({ code: 1, stderr: `gateway: ${why}\n` });
  });
});
