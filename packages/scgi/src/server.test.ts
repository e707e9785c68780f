import { campaignTimeout, eventually, scaled, seededRandom, turns } from "@gateway/testing/campaign";
import { validator } from "@gateway/validate";
import { afterEach, describe, expect, it } from "vitest";
import { makeServer, type ScgiOptions } from "./index.ts";

import { echo, exchange, hello, packet, serve, stopServed, streaming } from "./test-served.ts";

// The servers of SCGI and uwsgi are one but for their packets: what is tested here holds for both.

afterEach(stopServed);

describe("makeServer of SCGI", () => {
  it("answers with the headers of CGI, Status last, and closes the connection", async () => {
    const served = await serve(validator(hello));
    expect(await exchange(served, packet({ PATH_INFO: "/a" }))).toBe(
      "Content-Type: text/plain\r\nContent-Length: 8\r\nStatus: 200 OK\r\n\r\nhello /a",
    );
  });

  it("understands bytes that come one by one, and a body exactly as long as it is, without an end", async () => {
    const served = await serve(validator(echo));
    const front = await served.connect();
    for (const byte of packet({ HTTP_X: "y" }, "hello")) {
      front.send(byte);
      await turns(1);
    }
    // More than the length is no part of it.
    front.send("more");
    expect(await front.all()).toMatch(/\r\n\r\nhello$/);
  });

  it("takes a CONTENT_LENGTH that is none for no body", async () => {
    const served = await serve(echo);
    expect(await exchange(served, packet({ CONTENT_LENGTH: "-1" }))).toMatch(/Status: 200 OK\r\n\r\n$/);
  });

  it("fails the reading of a body that is cut short", async () => {
    const served = await serve(echo);
    const front = await served.connect();
    front.send(packet({ CONTENT_LENGTH: "9" }) + "hello");
    await turns();
    front.socket.end();
    expect(await front.all()).toContain("Status: 400 Bad Request");
  });

  it.each([
    ["what is no SCGI", "GET / HTTP/1.1\r\n\r\n", 400],
    ["variables that are too long", "70000:", 431],
    ["no method", packet({ REQUEST_METHOD: "" }), 400],
    ["a path that is none", packet({ PATH_INFO: "a" }), 400],
    ["a length that cannot be counted", packet({ CONTENT_LENGTH: "9".repeat(20) }), 413],
    ["a body that is too large", packet({}, "x".repeat(101)), 413],
    ["a place where it is not mounted", packet({ PATH_INFO: "/b" }), 404],
  ])("refuses %s with one report, and closes the connection", async (_name, text, code) => {
    const served = await serve(hello, { maxBodyBytes: 100, mounts: ["/a"] });
    const answer = await exchange(served, `${text}${"\xff".repeat(30)}`);
    expect(answer).toContain(`Status: ${code} `);
    expect(served.refused).toHaveLength(1);
    expect(served.refused[0]).toMatchObject({ code, remoteAddress: "127.0.0.1" });
  });

  it("refuses HEAD without a body", async () => {
    const served = await serve(hello, { mounts: ["/a"] });
    expect(await exchange(served, packet({ REQUEST_METHOD: "HEAD", PATH_INFO: "/b" }))).toMatch(/Status: 404 Not Found\r\n\r\n$/);
  });

  it("refuses addresses that are not allowed", async () => {
    const served = await serve(hello, { allowedAddresses: ["10.0.0.0/8"] });
    expect(await exchange(served, packet())).toBe("");
    expect(served.refused.map(({ code }) => code)).toEqual([403]);
  });

  it("resets the connection where a response without a length breaks off", async () => {
    const served = await serve((_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* broken() {
        yield Buffer.from("begun");
        throw new Error("on purpose");
      })();
    });
    const front = await served.connect();
    let isReset = false;
    // The runtime takes a reset close behind bytes for an orderly end; a write of nothing finds it out.
    front.socket.removeAllListeners("end");
    front.socket.on("error", () => (isReset = true));
    front.socket.on("end", () =>
      front.socket.write("", (error) => {
        isReset ||= error instanceof Error;
        front.socket.destroy();
      }),
    );
    front.send(packet());
    expect(await front.all()).toContain("begun");
    expect(isReset).toBe(true);
  });

  it("makes a front server wait whose body nobody reads, and holds little of it", async () => {
    let goOn = (): void => {};
    const served = await serve(async (environ, startResponse) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      let received = 0;
      for await (const chunk of environ["wsgi.input"]) received += chunk.length;
      startResponse("200 OK", []);
      return [Buffer.from(String(received))];
    });
    const front = await served.connect();
    const length = 30 * 1024 * 1024;
    front.send(packet({ CONTENT_LENGTH: `${length}` }));
    front.socket.write(Buffer.alloc(length));
    await eventually(() => (served.sockets[0]?.bytesRead ?? 0) > 0);
    let before = -1;
    while (served.sockets[0]?.bytesRead !== before) {
      before = served.sockets[0]?.bytesRead ?? 0;
      await turns(100);
    }
    expect(before).toBeLessThan(1024 * 1024);
    goOn();
    expect(await front.all()).toContain(`\r\n\r\n${length}`);
  });

  it("pulls no more than a slow front server takes", async () => {
    let pulled = 0;
    const served = await serve((_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* endless() {
        for (;;) {
          pulled++;
          yield Buffer.alloc(64 * 1024);
        }
      })();
    });
    const front = await served.connect();
    front.socket.pause();
    front.send(packet());
    await eventually(() => pulled > 0);
    let before = -1;
    while (pulled !== before) {
      before = pulled;
      await turns(100);
    }
    // The buffers of the system, and a few chunks.
    expect(pulled).toBeLessThan(400);
    front.socket.destroy();
  });

  it(
    "closes the body once when the front server goes away",
    async () => {
      const endings: string[] = [];
      const closes = { count: 0 };
      const served = await serve(streaming(endings, closes));
      const requests = scaled(500);
      const random = seededRandom(9);
      let next = 0;
      const abortOne = async (): Promise<void> => {
        while (next++ < requests) {
          const front = await served.connect();
          front.send(packet());
          await eventually(() => front.received.includes("begun"));
          if (random() < 0.5) await turns(1);
          front.socket.resetAndDestroy();
        }
      };
      await Promise.all(Array.from({ length: 10 }, abortOne));
      await eventually(() => endings.length === requests);
      await turns();
      expect(closes.count).toBe(requests);
      expect(new Set(endings)).toEqual(new Set(["gone"]));
      expect(served.errors).toEqual([]);
    },
    campaignTimeout,
  );

  it("drains a body that nobody read before the connection is closed, so that no reset eats the answer", async () => {
    const served = await serve(hello);
    for (let i = 0; i < 20; i++) {
      const front = await served.connect();
      front.send(packet({ CONTENT_LENGTH: "300000" }));
      front.socket.write(Buffer.alloc(300_000));
      expect(await front.all()).toContain("hello /");
    }
  });
});

describe("the options", () => {
  it.each([
    ['{"headerByte":1}', TypeError],
    ['{"headerBytes":-1}', RangeError],
    ['{"multiprocess":1}', TypeError],
    ['{"mounts":["a"]}', TypeError],
    ['{"allowedAddresses":["x"]}', TypeError],
  ])("%s is refused", (options, error) => {
    expect(() => makeServer("", 0, hello, JSON.parse(options) as ScgiOptions)).toThrow(error);
  });
});
