import type { Application, Environ, HeaderList } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { gzip } from "./gzip.ts";
import { eventually } from "@gateway/testing/campaign";
import { between, decode, deferred, text } from "./test-bodies.ts";

const body = text(4096);
const own = '"v1"';

/** Reads a list of entity tags, on its own. */
function matches(list: string, tag: string, isStrong: boolean): boolean {
  if (list === "*") return true;
  return [...list.matchAll(/(W\/)?("[^"]*")/g)].some(([, weak, opaque]) => opaque === tag && !(isStrong && weak !== undefined));
}

/** A resource with one strong tag and ranges: the steps of RFC 9110, section 13.2.2. */
const resource: Application = (environ, startResponse) => {
  const { REQUEST_METHOD: method, HTTP_IF_MATCH: match, HTTP_IF_NONE_MATCH: noneMatch, HTTP_RANGE: range } = environ;
  const { HTTP_IF_RANGE: ifRange } = environ;
  const isSafe = method === "GET" || method === "HEAD";
  const answer = (status: string, headers: HeaderList, chunk: Buffer): Uint8Array[] => {
    startResponse(status, [["ETag", own], ...headers]);
    return [chunk];
  };
  const type: HeaderList = [["Content-Type", "application/json"]];
  if (match !== undefined && !matches(match, own, true)) return answer("412 Precondition Failed", type, Buffer.from("{}"));
  if (noneMatch !== undefined && matches(noneMatch, own, false)) {
    if (!isSafe) return answer("412 Precondition Failed", type, Buffer.from("{}"));
    startResponse("304 Not Modified", [["ETag", own]]);
    return [];
  }
  const isCurrent = ifRange === undefined || ifRange === own || ifRange === lastModified;
  if (method === "GET" && range !== undefined && isCurrent) {
    const part: HeaderList = [...type, ["Content-Range", "bytes 0-99/4096"]];
    return answer("206 Partial Content", part, body.subarray(0, 100));
  }
  return answer("200 OK", [...type, ["Last-Modified", lastModified], ["Accept-Ranges", "bytes"]], body);
};
const lastModified = "Sat, 29 Oct 2022 19:43:31 GMT";
const http = client(between(gzip({ codings: ["br", "gzip"] }), resource));

describe("conditions through gzip", () => {
  const lists = [
    undefined,
    "*",
    '"v1"',
    'W/"v1"',
    '"v1-gzip"',
    'W/"v1-gzip"',
    '"v1-br"',
    '"v0-gzip"',
    '"v0", "v1-gzip"',
    '"v1-br", "v1-gzip"',
    "v1-gzip",
  ];

  /** A tag with the suffix of the selected coding is the tag of the resource; on unsafe methods that of every coding is. */
  function isNamed(list: string, coding: string | undefined, isSafe: boolean, isStrong: boolean): boolean {
    const suffixes = isSafe ? (coding === undefined ? [] : [coding]) : ["br", "gzip", "zstd", "deflate"];
    return [own, ...suffixes.map((suffix) => `"v1-${suffix}"`)].some((tag) => matches(list, tag, isStrong));
  }

  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    for (const accept of ["gzip", "br", "identity"]) {
      it(`are answered right: ${method}, ${accept}`, async () => {
        const coding = accept === "identity" ? undefined : accept;
        const isSafe = method === "GET" || method === "HEAD";
        for (const match of lists) {
          for (const noneMatch of lists) {
            const headers: Record<string, string> = { "Accept-Encoding": accept };
            if (match !== undefined) headers["If-Match"] = match;
            if (noneMatch !== undefined) headers["If-None-Match"] = noneMatch;
            const response = await http.request(method, "/", { headers });
            let status = 200;
            if (match !== undefined && !isNamed(match, coding, isSafe, true)) status = 412;
            else if (noneMatch !== undefined && isNamed(noneMatch, coding, isSafe, false)) status = isSafe ? 304 : 412;
            const told = { match, noneMatch, status: response.status, vary: response.headers.get("vary") };
            expect(told).toEqual({ match, noneMatch, status, vary: "Accept-Encoding" });
            // The tag of what was sent, or of what the client has: never the one of other bytes.
            const isNamedCoded = status === 304 && noneMatch?.includes(`"v1-${accept}"`) === true;
            const isCoded = (status === 200 && coding !== undefined) || isNamedCoded;
            expect([match, noneMatch, response.headers.get("etag")]).toEqual([match, noneMatch, isCoded ? `"v1-${accept}"` : own]);
            if (status !== 200) continue;
            expect(response.headers.get("content-encoding")).toBe(coding);
            if (method !== "HEAD") expect(decode(coding, response.bytes)).toEqual(body);
          }
        }
      });
    }
  }

  it("gives no part of other bytes than the client has", async () => {
    // What the client may have a part of, and how it says so.
    const cases: [Record<string, string>, number][] = [
      // It has plain bytes, or says nothing: a part of the plain bytes.
      [{}, 206],
      [{ "If-Range": '"v1"' }, 206],
      [{ "If-Match": '"v1"' }, 206],
      [{ "If-None-Match": '"v1-gzip"' }, 304],
      // It has coded bytes: the whole, or nothing.
      [{ "If-Range": '"v1-gzip"' }, 200],
      [{ "If-Match": '"v1-gzip"' }, 412],
      // A date tells nothing of the coding.
      [{ "If-Range": lastModified }, 200],
      [{ "If-Unmodified-Since": lastModified }, 200],
      [{ "If-Unmodified-Since": lastModified, "If-Match": '"v1"' }, 206],
    ];
    for (const [headers, status] of cases) {
      const response = await http.get("/", { headers: { "Accept-Encoding": "gzip", Range: "bytes=0-99", ...headers } });
      const coding = status === 200 ? "gzip" : undefined;
      expect([headers, response.status, response.headers.get("content-encoding")]).toEqual([headers, status, coding]);
      expect(response.headers.get("accept-ranges")).toBeUndefined();
    }
    const plain = await http.get("/", { headers: { Range: "bytes=0-99", "If-Range": lastModified } });
    expect(plain.status).toBe(206);
  });
});

describe("the conditions in environ", () => {
  const asked = { "Accept-Encoding": "gzip", "If-None-Match": '"v0-gzip"', Range: "bytes=0-9", "If-Range": lastModified };

  /** What a layer outside sees: before and after, and the keys. */
  function watched(app: Application, seen: unknown[]): Application {
    const keys = (environ: Environ): unknown[] => [
      environ.HTTP_IF_NONE_MATCH,
      environ.HTTP_RANGE,
      environ.HTTP_IF_RANGE,
      environ["test.added"],
    ];
    return (environ, startResponse) => {
      const count = Object.keys(environ).length;
      environ["gateway.exchange"].onEnd(() => seen.push("end", ...keys(environ)));
      const answer = gzip()(validator(app))(environ, (status, headers, excInfo) => {
        seen.push("head", ...keys(environ));
        expect(Object.keys(environ).length).toBe(count + (environ["test.added"] === undefined ? 0 : 1));
        return startResponse(status, headers, excInfo);
      });
      return answer;
    };
  }

  const before = ['"v0-gzip"', "bytes=0-9", lastModified];

  it("are those of the application inside, and the client's own outside, from the head on", async () => {
    for (const isAsync of [false, true]) {
      const seen: unknown[] = [];
      const inside: unknown[] = [];
      const app: Application = (environ, startResponse) => {
        inside.push(environ.HTTP_IF_NONE_MATCH, environ.HTTP_RANGE, environ.HTTP_IF_RANGE);
        environ["test.added"] = "kept";
        return resource(environ, startResponse);
      };
      const late: Application = async (environ, startResponse) => {
        await new Promise((resolve) => setImmediate(resolve));
        return app(environ, startResponse);
      };
      const response = await client(watched(isAsync ? late : app, seen)).get("/", { headers: asked });
      expect(response.status).toBe(200);
      expect(inside).toEqual(['"v0-gzip", "v0"', undefined, undefined]);
      expect(seen).toEqual(["head", ...before, "kept", "end", ...before, "kept"]);
    }
  });

  it("are put back when the application fails, or when the client leaves", async () => {
    for (const app of [
      (): never => {
        throw new Error("at once");
      },
      async (): Promise<never> => {
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error("later");
      },
    ]) {
      const seen: unknown[] = [];
      await client(watched(app, seen)).get("/", { headers: asked, errors: "expected" });
      expect(seen).toEqual(["end", ...before, undefined]);
    }
    const seen: unknown[] = [];
    const left = new AbortController();
    const begun = deferred();
    const goOn = deferred();
    const app: Application = async (environ, startResponse) => {
      begun.resolve();
      await goOn.promise;
      return resource(environ, startResponse);
    };
    const outcome = client(watched(app, seen)).get("/", { headers: asked, signal: left.signal });
    outcome.catch(() => {});
    await begun.promise;
    left.abort();
    goOn.resolve();
    await expect(outcome).rejects.toThrow("left before");
    await eventually(() => seen.includes("end"));
    expect(seen.slice(seen.indexOf("end"))).toEqual(["end", ...before, undefined]);
  });

  it("stay as a layer further in has set them", async () => {
    const seen: unknown[] = [];
    const app: Application = (environ, startResponse) => {
      environ.HTTP_IF_NONE_MATCH = undefined;
      return resource(environ, startResponse);
    };
    await client(watched(app, seen)).get("/", { headers: { "Accept-Encoding": "gzip", "If-None-Match": '"v0-gzip"' } });
    expect(seen[1]).toBeUndefined();
  });
});
