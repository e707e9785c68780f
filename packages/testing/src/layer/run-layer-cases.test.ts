import { capture, send, whenReady, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { layerCases, layerConformance } from "../layer.ts";

describe("layerConformance", () => {
  describe("for a layer that does nothing", () => {
    layerConformance((app) => (environ, start) => app(environ, start), { describe, it });
  });

  describe("for a layer that adds a header", () => {
    const wrap =
      (app: Application): Application =>
      (environ, startResponse) =>
        app(environ, (status, headers, excInfo) => {
          headers.push(["X-Added", "1"]);
          return startResponse(status, headers, excInfo);
        });
    layerConformance(wrap, { describe, it });
  });

  describe("for a layer that captures the response", () => {
    const wrap =
      (app: Application): Application =>
      (environ, startResponse) =>
        whenReady(capture(app, environ), (response) => send(response, startResponse));
    layerConformance(wrap, { describe, it });
  });

  /** Which cases a layer does not pass. */
  async function failures(wrap: (app: Application) => Application): Promise<string[]> {
    const failed: string[] = [];
    const tests: [name: string, run: () => unknown][] = [];
    const runner = {
      describe: (_name: string, define: () => void) => define(),
      it: (name: string, run: () => unknown) => void tests.push([name, run]),
    };
    layerConformance(wrap, runner);
    for (const [name, run] of tests) {
      try {
        await run();
      } catch {
        failed.push(name);
      }
    }
    return failed;
  }

  it("sees a layer that gathers every body", async () => {
    const gathering =
      (app: Application): Application =>
      async (environ, startResponse) => {
        const chunks: Uint8Array[] = [];
        let length = 0;
        for await (const chunk of await app(environ, startResponse)) {
          length += chunk.length;
          if (length > 100) throw new Error("too long");
          chunks.push(chunk);
        }
        return chunks;
      };
    expect(await failures(gathering)).toEqual(
      expect.arrayContaining(["that the client leaves, once", "a stream no faster than the client reads it"]),
    );
  });

  it("sees a layer that swallows errors, and one that loses the body", async () => {
    const swallowing =
      (app: Application): Application =>
      (environ, startResponse) => {
        try {
          return app(environ, startResponse);
        } catch {
          startResponse("200 OK", []);
          return [];
        }
      };
    expect(await failures(swallowing)).toEqual(["an error before the head", "an error that nobody expects"]);
    const losing =
      (app: Application): Application =>
      (environ, startResponse) =>
        whenReady(app(environ, startResponse), () => []);
    expect((await failures(losing)).length).toBeGreaterThan(layerCases.length / 2);
  });
});
