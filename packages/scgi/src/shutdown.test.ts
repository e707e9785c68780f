import { connect } from "node:net";
import { eventually, turns } from "@gateway/testing/campaign";
import { afterEach, describe, expect, it } from "vitest";
import { makeServer } from "./index.ts";

import { Front, hello, packet, serve, stopServed, streaming } from "./test-served.ts";

// The servers of SCGI and uwsgi are one but for their packets: what is tested here holds for both.

afterEach(stopServed);

describe("shutdown", () => {
  it("finishes what is under way, gives those a moment that have not begun, and takes no more", async () => {
    let goOn = (): void => {};
    let calls = 0;
    const served = await serve(
      async (environ, startResponse) => {
        calls++;
        if (environ.PATH_INFO === "/slow") await new Promise<void>((resolve) => (goOn = resolve));
        return hello(environ, startResponse);
      },
      { stopIdleSeconds: 10, shutdownSeconds: 10 },
    );
    const slow = await served.connect();
    const late = await served.connect();
    slow.send(packet({ PATH_INFO: "/slow" }));
    await eventually(() => calls === 1 && served.sockets.length === 2);
    const stopped = served.server.shutdown();
    await turns(10);
    late.send(packet({ PATH_INFO: "/late" }));
    expect(await late.all()).toContain("hello /late");
    goOn();
    expect(await slow.all()).toContain("hello /slow");
    await stopped;
    await expect(served.connect()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("cuts what does not end", async () => {
    const endings: string[] = [];
    const closes = { count: 0 };
    const served = await serve(streaming(endings, closes));
    const front = await served.connect();
    front.send(packet());
    await eventually(() => front.received.includes("begun"));
    await served.server.shutdown();
    expect(endings).toEqual(["gone"]);
    expect(closes.count).toBe(1);
  });

  it("serves one request with handleRequest", async () => {
    const server = makeServer("127.0.0.1", 0, hello);
    const address = await server.listen();
    const handled = server.handleRequest();
    const socket = connect({ port: "port" in address ? address.port : 0, host: "127.0.0.1", allowHalfOpen: true });
    const front = new Front(socket);
    front.send(packet());
    expect(await front.all()).toContain("hello /");
    await handled;
    await server.shutdown();
  });
});
