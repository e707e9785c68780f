import { capture, type Application } from "@gateway/core";
import { Writable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { accessLog } from "./access-log.ts";
import { hello, Lines, request, validated } from "./test-log.ts";

const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

describe("the places of accessLog", () => {
  it("writes to a stream", async () => {
    let written = "";
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written += String(chunk);
        done();
      },
    });
    await request(validated(accessLog({ format: "%m", stream }), hello));
    expect(written).toBe("GET\n");
  });

  it("writes to standard error, or to wsgi.errors where it is told to", async () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await request(validated(accessLog({ format: "%m %s" }), hello));
    expect(write.mock.calls.map(([text]) => text)).toEqual(["GET 200\n"]);
    expect(await request(validated(accessLog({ format: "%m %s", destination: "wsgi.errors" }), hello))).toBe("GET 200\n");
  });

  it("lets requests wait for a destination that has no room", async () => {
    let open = (): void => {};
    let room: Promise<void> | undefined = new Promise((resolve) => (open = resolve));
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line), ready: () => room };
    let called = false;
    const app = validated(accessLog({ format: "%s", destination }), (environ, startResponse) => {
      called = true;
      return hello(environ, startResponse);
    });
    const answered = request(app);
    await new Promise((resolve) => setImmediate(resolve));
    expect(called).toBe(false);
    room = undefined;
    open();
    await answered;
    expect([called, lines]).toEqual([true, ["200\n"]]);
  });

  it("may stand in an onion more than once, and in front of a whole-response layer", async () => {
    const [outer, inner] = [new Lines(), new Lines()];
    const whole: Application = async (environ, startResponse) => {
      const response = await capture(accessLog({ format: "in %s", destination: inner })(hello), environ);
      await response.body.close?.();
      startResponse("418 Teapot", plain());
      return [];
    };
    await request(validated(accessLog({ format: "out %s", destination: outer }), whole));
    // Both tell what the client got: only the gateway knows it.
    expect([outer.all, inner.all]).toEqual([["out 418\n"], ["in 418\n"]]);
  });
});
