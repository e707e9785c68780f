import { describe, expect, it } from "vitest";
import { World } from "../testing/arbiter-world.ts";
import { endedEarlyText } from "./member-texts.ts";

describe("Arbiter, of a worker that takes too long", () => {
  it("names startup(), where it is that which does not finish", () => {
    const world = new World({ bootTimeout: 2 });
    world.arbiter.start();
    world.arbiter.runs(1, "startup");
    world.pass(2000);
    expect(world.log).toEqual(["startup() of the application did not finish within --boot-timeout (2s)"]);
  });

  it("names the worker, once others serve", () => {
    const world = World.serving({ workers: 1, bootTimeout: 2 });
    world.arbiter.scale(2);
    world.pass(2000);
    expect(world.log).toEqual(["worker 2 did not get ready: loading the application did not finish within --boot-timeout (2s)"]);
  });

  it.each([
    [
      "shutdown() that has not finished",
      true,
      "worker 1 did not end in time and is killed: shutdown() of the application has not finished",
    ],
    ["nothing that is not known", false, "worker 1 did not end in time and is killed"],
  ])("names %s", (_what, isInShutdown, text) => {
    const world = World.serving({ workers: 1, gracefulTimeout: 1 });
    world.arbiter.runs(1, "startup");
    world.arbiter.pause();
    if (isInShutdown) world.arbiter.runs(1, "shutdown");
    world.pass(3000);
    expect([world.take(), world.log]).toEqual([["drain 1", "kill 1"], [text]]);
  });
});

describe("endedEarlyText", () => {
  it.each([
    ["exit status 7", "exit status 7: the application called process.exit(7)"],
    ["exit status 0", "exit status 0: the application called process.exit(0)"],
    // An error that nobody caught ends with it, too.
    ["exit status 1", "exit status 1"],
    ["signal SIGKILL", "signal SIGKILL"],
    ["it could not be started: no memory", "it could not be started: no memory"],
  ])("says of %j who it was, where that is known", (how, text) => {
    expect(endedEarlyText(how)).toBe(`the worker ended before it was ready: ${text}`);
  });
});
