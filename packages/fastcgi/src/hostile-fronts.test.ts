import type { Application, Environ } from "@gateway/core";
import { turns } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { TestFront } from "./test-front.ts";
import { begin, ending, output, pairs, rec, records, request, stream } from "./test-records.ts";

const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

/** What waits in the socket of our side; latin-1 text counts like octets. */
const waitingBytes = (front: TestFront): number => front.connection.output.unsentBytes;

describe("a front server that does not read", () => {
  it.each([
    ["requests that are answered", request(1, { HTTP_X: "x".repeat(100) })],
    ["requests that are refused", request(1, { PATH_INFO: "no path" })],
    ["requests that it aborts", begin(1) + rec(2, 1)],
  ])("is not read while it sends %s", async (_name, one) => {
    const front = new TestFront(hello, { writeStallSeconds: 5 });
    front.socket.isSlow = true;
    const some = one.repeat(Math.ceil(16_384 / one.length));
    let sent = 0;
    while (!front.socket.isPaused() && sent < 1000) {
      front.push(some);
      sent++;
      await turns(1);
    }
    expect(sent).toBeLessThan(40);
    expect(waitingBytes(front)).toBeLessThan(1024 * 1024);
    front.pass(6);
    await turns();
    // Nobody takes what waits: that ends too.
    expect(front.closed).toBe(1);
  });

  it("is read again when it reads, and gets every answer", async () => {
    const front = new TestFront(hello);
    front.socket.isSlow = true;
    const value = "x".repeat(2000);
    let sent = 0;
    while (!front.socket.isPaused() && sent < 1000) {
      front.push(request(1, { HTTP_X: value }).repeat(8));
      sent += 8;
      await turns(1);
    }
    front.socket.catchUp();
    await turns(10);
    expect(front.socket.isPaused()).toBe(false);
    const answered = records(front.sent).filter(({ type }) => type === 3);
    expect(answered).toHaveLength(sent);
    // One that does not wait for answers before it takes an id again may find that there are too many.
    expect(answered.filter(({ content }) => content.charCodeAt(4) === 0).length).toBeGreaterThanOrEqual(100);
  });

  it("holds maxRequests answers that lost their id to the next request, and no more", async () => {
    let calls = 0;
    const large = Buffer.alloc(100_000);
    const front = new TestFront(
      (_environ, startResponse) => {
        calls++;
        startResponse("200 OK", []);
        return [large];
      },
      { maxRequests: 4 },
    );
    front.socket.isSlow = true;
    front.send(request(1).repeat(50));
    await turns();
    expect(calls).toBeLessThanOrEqual(8);
    expect(front.refused.every(({ code }) => code === 503)).toBe(true);
    front.socket.catchUp();
    await turns(10);
    front.send(request(1));
    await turns();
    expect(
      records(front.sent)
        .findLast(({ type }) => type === 3)
        ?.content.charCodeAt(4),
    ).toBe(0);
  });
});

describe("the id of a request", () => {
  it("may be taken again before the system has the last bytes of its answer, also where there may be one request", async () => {
    const front = new TestFront(hello, { maxRequests: 1 });
    front.socket.isSlow = true;
    front.send(request(1));
    await turns();
    front.send(request(1, { PATH_INFO: "/again" }));
    front.socket.catchUp();
    await turns(6);
    expect(output(front.sent, 1)).toContain("hello /again");
    expect(front.refused).toEqual([]);
  });

  it("may be 65535, and is none where it is 0", async () => {
    const front = new TestFront(hello);
    front.send(rec(2, 0) + rec(4, 0, pairs({ REQUEST_METHOD: "GET" })) + rec(4, 0) + rec(5, 0, "body") + rec(5, 0));
    front.send(request(65_535));
    await turns();
    expect(records(front.sent).every(({ id }) => id === 65_535)).toBe(true);
    expect(ending(front.sent, 65_535)).toEqual([0, 0]);
  });
});

describe("PARAMS", () => {
  it("behind their end are no part of the request", async () => {
    const seen: Environ[] = [];
    const front = new TestFront(async (environ, startResponse) => {
      seen.push(environ);
      await environ["wsgi.input"].read();
      return hello(environ, startResponse);
    });
    front.send(begin(1) + stream(4, 1, pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/a", CONTENT_LENGTH: "2" })));
    front.send(rec(4, 1, pairs({ PATH_INFO: "/b", REMOTE_USER: "root", CONTENT_LENGTH: "9" })) + rec(4, 1));
    front.send(stream(5, 1, "ok"));
    await turns();
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ PATH_INFO: "/a", CONTENT_LENGTH: "2" });
    expect(seen[0]).not.toHaveProperty("REMOTE_USER");
    expect(output(front.sent, 1)).toContain("hello /a");
  });

  it("without an end are answered with 431, octet by octet too, and the next request is served", async () => {
    const front = new TestFront(hello, { headerBytes: 300 });
    front.send(begin(1));
    for (let i = 0; i < 400; i++) front.send(rec(4, 1, "\x01", 255));
    expect(output(front.sent, 1)).toContain("Status: 431");
    expect(records(front.sent).filter(({ type }) => type === 3)).toHaveLength(1);
    front.send(rec(4, 1) + rec(5, 1) + request(1));
    await turns();
    expect(output(front.sent, 1)).toContain("hello /");
    expect(front.refused.map(({ code }) => code)).toEqual([431]);
  });

  it.each([
    ["a length that is cut off", "\x80\0"],
    ["a value beyond the end", "\x01\x7fab"],
    ["lengths whose sum is more than 32 bits", "\xff\xff\xff\xff\xff\xff\xff\xffab"],
    ["no method", ""],
  ])("with %s are answered with 400", (_name, params) => {
    const front = new TestFront(hello);
    front.send(begin(1) + (params === "" ? "" : rec(4, 1, params)) + rec(4, 1) + rec(5, 1));
    expect(output(front.sent, 1)).toContain("Status: 400");
    expect(ending(front.sent, 1)).toEqual([0, 0]);
    expect(front.socket.ended).toBe(false);
  });

  it("cannot set what is the gateway's own, nor reach prototypes", () => {
    let seen: Environ | undefined;
    const front = new TestFront((environ, startResponse) => {
      seen = environ;
      return hello(environ, startResponse);
    });
    const names = ["wsgi.input", "wsgi.errors", "gateway.exchange", "gateway.session", "__proto__", "", "HTTP_", "HTTP_A-B"];
    const own = Object.fromEntries(names.map((name) => [name, "forged"]));
    front.send(request(1, { ...own, ["constructor"]: "text", HTTP_CONSTRUCTOR: "text" }) + request(3, { ["__proto__"]: "forged" }));
    expect(output(front.sent, 1)).toContain("hello /");
    expect(Object.values(seen ?? {})).not.toContain("forged");
    expect(Object.getPrototypeOf(seen)).toBe(Object.prototype);
    expect(Reflect.get({}, "forged")).toBeUndefined();
  });

  it("of thousands of repeated headers make one", () => {
    let length = 0;
    const front = new TestFront((environ, startResponse) => {
      length = environ.HTTP_A?.length ?? 0;
      return hello(environ, startResponse);
    });
    const many = "\x06\x01HTTP_Ax".repeat(7000);
    front.send(begin(1) + stream(4, 1, pairs({ REQUEST_METHOD: "GET" }) + many, 1000) + rec(5, 1));
    expect(length).toBe(3 * 7000 - 2);
  });
});

describe("FCGI_GET_VALUES", () => {
  it.each([
    ["nothing", "", ""],
    ["names that there are not", pairs({ constructor: "", FCGI_MAX_CONN: "", toString: "x", ["__proto__"]: "" }), ""],
    ["an empty name", "\0\0", ""],
    [
      "a name twice, with a value",
      `${pairs({ FCGI_MPXS_CONNS: "7" })}${pairs({ FCGI_MPXS_CONNS: "" })}`,
      pairs({ FCGI_MPXS_CONNS: "0" }),
    ],
  ])("of %s is answered once", (_name, asked, answer) => {
    const front = new TestFront(hello);
    front.send(rec(9, 0, asked, 255) + request(1));
    expect(records(front.sent)[0]).toEqual({ type: 10, id: 0, content: answer });
    expect(ending(front.sent, 1)).toEqual([0, 0]);
  });

  it("that comes octet by octet is gathered to its length and no further", async () => {
    const front = new TestFront(hello);
    for (const octet of rec(9, 0, "x".repeat(2000))) front.send(octet);
    await turns();
    expect(front.refused.map(({ code }) => code)).toEqual([400]);
    expect(front.socket.ended).toBe(true);
  });
});
