import { eventually, turns } from "@gateway/testing/campaign";
import { afterEach, describe, expect, it, vi } from "vitest";

import { echo, hello, packet, serve, stopServed, streaming } from "./test-served.ts";

// The servers of SCGI and uwsgi are one but for their packets: what is tested here holds for both.

afterEach(stopServed);

describe("deadlines", () => {
  const tick = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      vi.advanceTimersByTime(1000);
      await turns(1);
    }
  };
  const faked = { toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] } as const;

  it("answers 408 to variables that take too long, and says nothing to a connection that says nothing", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    const served = await serve(hello, { headerSeconds: 3 });
    const slow = await served.connect();
    const silent = await served.connect();
    slow.send("70:");
    await eventually(() => served.sockets.length === 2 && served.sockets.some((socket) => socket.bytesRead > 0));
    await tick(4);
    expect(await slow.all()).toContain("Status: 408");
    expect(await silent.all()).toBe("");
    expect(served.refused.map(({ code }) => code)).toEqual([408]);
  });

  it("fails the reading of a body that comes by drops", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    let reads = 0;
    const served = await serve(
      async (environ, startResponse) => {
        reads++;
        return echo(environ, startResponse);
      },
      { bodyBytesPerSecond: 100, bodyGraceSeconds: 2 },
    );
    const front = await served.connect();
    front.send(packet({ CONTENT_LENGTH: "1000" }) + "x");
    await eventually(() => reads === 1);
    await tick(4);
    expect(await front.all()).toContain("Status: 408");
  });

  it("answers 503 after requestSeconds, or cuts the connection", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    let calls = 0;
    const endings: string[] = [];
    const closes = { count: 0 };
    const served = await serve(
      (environ, startResponse) => {
        calls++;
        if (environ.PATH_INFO === "/waits") return new Promise(() => {});
        return streaming(endings, closes)(environ, startResponse);
      },
      { requestSeconds: 3 },
    );
    const waits = await served.connect();
    const streams = await served.connect();
    waits.send(packet({ PATH_INFO: "/waits" }));
    streams.send(packet());
    await eventually(() => calls === 2 && streams.received.includes("begun"));
    await tick(5);
    expect(await waits.all()).toContain("Status: 503");
    expect(await streams.all()).not.toContain("503");
    expect(closes.count).toBe(1);
    expect(endings).toEqual(["gone"]);
  });

  it("cuts a front server that takes nothing for writeStallSeconds", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    let pulled = 0;
    const endings: string[] = [];
    const served = await serve(
      (environ, startResponse) => {
        environ["gateway.exchange"].onEnd(({ outcome }) => endings.push(outcome));
        startResponse("200 OK", []);
        return (function* endless() {
          for (;;) {
            pulled++;
            yield Buffer.alloc(64 * 1024);
          }
        })();
      },
      { writeStallSeconds: 3 },
    );
    const front = await served.connect();
    front.socket.pause();
    front.send(packet());
    let before = -1;
    await eventually(() => pulled > 0);
    while (pulled !== before) {
      before = pulled;
      await turns(100);
    }
    await tick(5);
    await eventually(() => endings.length === 1);
    expect(endings).toEqual(["gone"]);
    front.socket.destroy();
  });
});
