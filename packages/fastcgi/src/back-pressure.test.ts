import type { Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { turns } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { begin, output, pairs, rec, request } from "./test-records.ts";

import { post } from "./test-traced.ts";

describe("back-pressure", () => {
  it("pulls no more than a slow front server takes, of one response and of several", async () => {
    let pulled = 0;
    const app: Application = (_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* endless() {
        for (;;) {
          pulled++;
          yield Buffer.alloc(64 * 1024);
        }
      })();
    };
    const front = new TestFront(app);
    front.socket.isSlow = true;
    front.send(request(1) + request(2) + request(3));
    await turns(10);
    expect(pulled).toBeLessThan(10);
    const before = pulled;
    for (let i = 0; i < 20; i++) {
      front.socket.takeOne();
      await turns();
    }
    expect(pulled).toBeGreaterThan(before);
    expect(pulled).toBeLessThan(before + 40);
    front.socket.destroy();
    await turns();
  });

  it("makes a front server wait whose body nobody reads, and lets it go on when somebody does", async () => {
    let read: (() => Promise<number>) | undefined;
    const app: Application = async (environ, startResponse) => {
      let received = 0;
      await new Promise<void>((resolve) => {
        read = async () => {
          for await (const chunk of environ["wsgi.input"]) received += chunk.length;
          resolve();
          return received;
        };
      });
      startResponse("200 OK", []);
      return [Buffer.from(String(received))];
    };
    const front = new TestFront(app);
    front.push(post(1, { CONTENT_LENGTH: String(40 * 60_000) }));
    await turns();
    let sent = 0;
    while (!front.socket.isPaused() && sent < 40) {
      front.push(rec(5, 1, "x".repeat(60_000)));
      sent++;
      await turns();
    }
    expect(sent).toBeLessThan(8);
    const received = read?.();
    for (; sent < 40; sent++) {
      front.push(rec(5, 1, "x".repeat(60_000)));
      await turns(1);
    }
    front.push(rec(5, 1));
    expect(await received).toBe(40 * 60_000);
    await turns();
    expect(output(front.sent, 1)).toContain("\r\n\r\n2400000");
  });

  it("holds small pieces of a body together", async () => {
    const front = new TestFront(async (environ, startResponse) => {
      await new Promise((resolve) => setImmediate(resolve));
      let chunks = 0;
      let bytes = "";
      for await (const chunk of environ["wsgi.input"]) {
        chunks++;
        bytes += Buffer.from(chunk).toString();
      }
      startResponse("200 OK", []);
      return [Buffer.from(`${chunks} ${bytes}`)];
    });
    const body = Array.from({ length: 20_000 }, (_, i) => "abcdefghijklmnopq"[i % 17]).join("");
    front.send(request(1, {}, body, { cut: 1 }));
    await turns(10);
    const [chunks, received] = output(front.sent, 1).split("\r\n\r\n")[1]?.split(" ") ?? [];
    expect(received).toBe(body);
    expect(Number(chunks)).toBeLessThan(6);
  });

  it("does not read a front server that does not read the answers to its own records", async () => {
    const front = new TestFront(() => []);
    front.socket.isSlow = true;
    let sent = 0;
    const question = rec(9, 0, pairs({ FCGI_MAX_CONNS: "" })).repeat(100) + rec(77, 0).repeat(100) + begin(1, true, 3).repeat(100);
    while (!front.socket.isPaused() && sent < 1000) {
      front.push(question);
      sent++;
      await turns(1);
    }
    expect(sent).toBeLessThan(30);
    front.socket.catchUp();
    await turns();
    expect(front.socket.isPaused()).toBe(false);
    front.socket.destroy();
    await turns();
  });
});
