import { readdirSync, readFileSync } from "node:fs";
import type { Application, Environ } from "@gateway/core";
import { gatewayConformance, httpTransport } from "@gateway/testing/conformance";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fastPaths } from "./fast-paths.ts";
import { makeServer } from "./server.ts";
import { count, echo, request, testServer } from "./test-client.ts";

const cases = new URL("../cases/", import.meta.url);

function allPaths(on: boolean): void {
  fastPaths.headerBlocks = on;
  fastPaths.oneString = on;
}

/** What a server answers, but for the time. */
async function answers(app: Application, raw: string | Uint8Array): Promise<string> {
  await using server = await testServer(app);
  return (await server.exchange(raw)).replaceAll(/^Date: .*$/gm, "Date").replaceAll(String(server.port), "PORT");
}

/** Tells all of its environ that is text. */
const tell: Application = async (environ, startResponse) => {
  await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  const lines = Object.entries(environ).filter(([key, value]) => typeof value === "string" && key !== "REMOTE_PORT");
  return [Buffer.from(`${JSON.stringify(lines.toSorted(([a], [b]) => (a < b ? -1 : 1)))}\n`)];
};

describe("with and without the fast paths", () => {
  afterAll(() => allPaths(true));

  const raws = ["valid", "invalid"].flatMap((kind) =>
    readdirSync(new URL(kind, cases))
      .filter((file) => file.endsWith(".http"))
      .map((file) => [`${kind}/${file}`, readFileSync(new URL(`${kind}/${file}`, cases))] as const),
  );

  it.each(raws)("the bytes are the same for %s, alone and behind others like it", async (_name, raw) => {
    const before = request("/first", "Accept: */*\r\nCookie: a=1\r\n");
    const again = `${request("/second?x", "Accept: */*\r\nCookie: a=1\r\n")}GET /third HTTP/1.0\r\n${before.slice(before.indexOf("Host"))}`;
    const twice = Buffer.concat([Buffer.from(before.repeat(4)), raw, raw]);
    for (const bytes of [raw, twice, Buffer.from(before.repeat(3) + again)]) {
      allPaths(true);
      const fast = await answers(tell, bytes);
      allPaths(false);
      expect(await answers(tell, bytes)).toBe(fast);
    }
  });

  it("an environ that an application changed is not seen by the next request", async () => {
    allPaths(true);
    const seen: Environ[] = [];
    const app: Application = (environ, startResponse) => {
      seen.push({ ...environ });
      for (const key of Object.keys(environ)) if (key.startsWith("HTTP_")) environ[key as "HTTP_X"] = "changed";
      environ.SCRIPT_NAME = "/changed";
      environ["example.key"] = "left behind";
      startResponse("200 OK", []);
      return [];
    };
    await using server = await testServer(app);
    await server.exchange([1, 2, 3, 4, 5].map((i) => request(`/${i}`, "X-A: b\r\n")).join(""));
    const expected = [1, 2, 3, 4, 5].map((i) => [`/${i}`, "", "b", undefined]);
    expect(seen.map((environ) => [environ.PATH_INFO, environ.SCRIPT_NAME, environ["HTTP_X_A"], environ["example.key"]])).toEqual(
      expected,
    );
  });

  it.each([
    ["one more header in front", "X-More: 1\r\nX-A: b\r\n"],
    ["one more header behind", "X-A: b\r\nX-More: 1\r\n"],
    ["a second Host", "X-A: b\r\nHost: other\r\n"],
    ["a length", "X-A: b\r\nContent-Length: 3\r\n"],
    ["another value of the same length", "X-A: c\r\n"],
  ])("%s is not taken for the block of before", async (_name, headers) => {
    allPaths(true);
    const before = [1, 2, 3, 4].map((i) => request(`/${i}`, "X-A: b\r\n")).join("");
    const text = await answers(tell, before + request("/5", headers, "abc"));
    allPaths(false);
    expect(await answers(tell, before + request("/5", headers, "abc"))).toBe(text);
    expect(count(text, "200 OK")).toBeGreaterThanOrEqual(4);
  });

  it("a bare carriage return in the request line is refused, also when the lines behind it are those of before", async () => {
    allPaths(true);
    const good = request("/1", "X-A: b\r\n");
    for (const line of ["GET /\r/2 HTTP/1.1", "GET /\n/2 HTTP/1.1", "GET /\0 HTTP/1.1", `GET /${"a".repeat(9000)} HTTP/1.1`]) {
      const text = await answers(echo, `${good.repeat(4)}${line}${good.slice(good.indexOf("\r\n"))}`);
      expect(text).toMatch(/HTTP\/1\.1 4(00|14) /);
    }
  });
});

describe("without the fast paths", () => {
  beforeAll(() => allPaths(false));
  afterAll(() => allPaths(true));

  const slow = httpTransport({
    name: "HTTP over TCP, the long way",
    async listen(app, hooks) {
      const errors = {
        write: (text: string): void => hooks.errors(text),
        writelines: (lines: Iterable<string>): void => {
          for (const line of lines) hooks.errors(line);
        },
        flush: (): void => {},
      };
      const server = makeServer("127.0.0.1", 0, app, { errors, shutdownSeconds: 1 });
      const address = await server.listen();
      void server.serveForever();
      return { connect: { port: address.kind === "tcp" ? address.port : 0 }, close: () => server.shutdown() };
    },
  });
  gatewayConformance(slow, { describe, it });
});
