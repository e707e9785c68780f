import type { Application, Environ } from "@gateway/core";
import { inputStream } from "@gateway/core/gateway";
import { buildEnviron } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { limits, type LimitsOptions } from "./index.ts";
import { hello, served, text } from "./test-served.ts";

describe("the body of a request within limits()", () => {
  const count: Application = async (environ, startResponse) => {
    let bytes = 0;
    for await (const chunk of environ["wsgi.input"]) bytes += chunk.length;
    return text(startResponse, `${bytes}`);
  };

  it("is refused by its Content-Length before the application runs", async () => {
    const app = vi.fn<Application>(count);
    const onRefused = vi.fn<NonNullable<LimitsOptions["onRefused"]>>();
    const http = served({ bodyBytes: 10, onRefused }, app);
    const response = await http.post("/", { body: "12345678901" });
    expect([response.status, response.text()]).toEqual([413, "The request body has more than the 10 bytes that are allowed.\n"]);
    expect(app).not.toHaveBeenCalled();
    expect(onRefused.mock.calls.map(([why]) => why)).toEqual(["body"]);
    expect((await http.post("/", { body: "1234567890" })).text()).toBe("10");
  });

  it.each(["99999999999999999999999", "nonsense"])("is refused with a length of %s", (length) => {
    const app = limits({ bodyBytes: 10 })(hello);
    expect(() => app(buildEnviron({ overrides: { CONTENT_LENGTH: length } }), () => () => {})).toThrow("more than the 10 bytes");
  });

  it.each([1, 3, 11, 64])("is refused while it streams, in chunks of %i bytes", async (splitEvery) => {
    const http = served({ bodyBytes: 10 }, count);
    expect((await http.post("/", { body: "12345678901", chunked: true, splitEvery })).status).toBe(413);
    expect((await http.post("/", { body: "1234567890", chunked: true, splitEvery })).text()).toBe("10");
  });

  it("is refused for every way of reading, also when it is read on", async () => {
    const readers: readonly ((environ: Environ) => Promise<unknown>)[] = [
      (environ) => environ["wsgi.input"].read(),
      (environ) => environ["wsgi.input"].read(100),
      (environ) => environ["wsgi.input"].readline(),
      (environ) => environ["wsgi.input"].readlines(),
    ];
    for (const read of readers) {
      const http = served({ bodyBytes: 10 }, async (environ: Environ, startResponse) => {
        await read(environ).catch(() => {});
        await read(environ);
        return text(startResponse, "read");
      });
      expect((await http.post("/", { body: "12345678901", chunked: true })).status).toBe(413);
    }
  });

  it("is not read beyond its limit", async () => {
    let pulled = 0;
    const environ = buildEnviron({
      method: "POST",
      source: {
        pull: () => {
          pulled++;
          return new Uint8Array(4);
        },
      },
    });
    const answer = limits({ bodyBytes: 10 })(count)(environ, () => () => {});
    await expect(answer).rejects.toThrow("more than the 10 bytes");
    expect(pulled).toBe(3);
  });

  it("is not touched where its length is known, where there is none, or where any is allowed", () => {
    const seen: unknown[] = [];
    const app: Application = (environ, startResponse) => {
      seen.push(environ["wsgi.input"]);
      return hello(environ, startResponse);
    };
    const stream = inputStream({ pull: () => undefined });
    const known = buildEnviron({ overrides: { "wsgi.input": stream, CONTENT_LENGTH: "5" } });
    void limits()(app)(known, () => () => {});
    const empty = buildEnviron();
    const none = empty["wsgi.input"];
    void limits()(app)(empty, () => () => {});
    void limits({ bodyBytes: Infinity })(app)(buildEnviron({ overrides: { "wsgi.input": stream } }), () => () => {});
    expect(seen).toEqual([stream, none, stream]);
  });
});
