import { HTTPError, onClose, type Application, type ResponseBody } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { gzip } from "./gzip.ts";
import { eventually } from "@gateway/testing/campaign";
import { answers, decode, every, http, json, nextTurn, text } from "./test-bodies.ts";

describe("gzip, around all that an application may do", () => {
  it("takes a startResponse from inside the body", async () => {
    const late: Application = (_environ, startResponse) => {
      function* body(): Generator<Uint8Array> {
        yield Buffer.alloc(0);
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield json;
        yield json;
      }
      return body();
    };
    const lateAsync: Application = (_environ, startResponse) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        await nextTurn();
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield json;
        await nextTurn();
        yield json;
      }
      return body();
    };
    for (const app of [late, lateAsync]) {
      for (const headers of [every, {}]) {
        const response = await http(app).get("/", { headers });
        expect(response.headers.get("vary")).toBe("Accept-Encoding");
        expect(decode(response.headers.get("content-encoding"), response.bytes)).toEqual(Buffer.concat([json, json]));
      }
    }
  });

  it("codes what is written with write(), before what is returned", async () => {
    const sync: Application = (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      void write(json.subarray(0, 2000));
      return [json.subarray(2000)];
    };
    const async: Application = async (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      const buffer = Buffer.from(json.subarray(0, 2000));
      await nextTurn();
      await write(buffer);
      // Its promise has resolved: the bytes may be changed.
      buffer.fill("!");
      await nextTurn();
      await write(json.subarray(2000, 2100));
      return [json.subarray(2100)];
    };
    for (const app of [sync, async]) {
      const response = await http(app).get("/", { headers: every });
      expect(response.headers.get("content-encoding")).toBe("br");
      expect(decode("br", response.bytes)).toEqual(json);
    }
  });

  it("does not code bytes that were changed after their write() had resolved", async () => {
    const app: Application = async (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      const buffer = Buffer.alloc(100);
      // Its promise is what allows it: the write() of the synchronous part has none.
      await nextTurn();
      for (let i = 0; i < 20; i++) {
        buffer.fill(97 + i);
        await write(buffer);
      }
      return [];
    };
    // Without the validator inside, which would see the change itself.
    const response = await client(gzip()(app)).get("/", { headers: { "Accept-Encoding": "gzip" } });
    const expected = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(100)).join("");
    expect(decode("gzip", response.bytes).toString()).toBe(expected);
  });

  it("hands errors on, before and after the head, and closes what there is", async () => {
    const closed = vi.fn<() => void>();
    const before: Application = () => {
      throw new HTTPError(418, "short and stout");
    };
    const rejected: Application = async () => {
      await nextTurn();
      throw new HTTPError(418, "short and stout");
    };
    for (const app of [before, rejected]) {
      for (const headers of [every, {}]) expect((await http(app).get("/", { headers })).status).toBe(418);
    }
    const after: Application = answers(() => {
      async function* body(): AsyncGenerator<Uint8Array> {
        yield json;
        yield Buffer.alloc(0);
        await nextTurn();
        throw new Error("in the middle");
      }
      return onClose(body(), closed);
    });
    await expect(http(after).get("/", { headers: every, errors: "ignore" })).rejects.toThrow("was broken off");
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it("takes a head that replaces another", async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "image/png"]]);
      startResponse("500 Oh", [["Content-Type", "text/html"]], new Error("too late for the first"));
      return [json];
    };
    const response = await http(app).get("/", { headers: every });
    expect([response.status, response.headers.get("content-encoding")]).toEqual([500, "br"]);
  });

  it("closes the body of the application once, however it is coded", async () => {
    for (const body of [
      (): ResponseBody => [json],
      (): ResponseBody => [text(200_000)],
      (): ResponseBody => [json].values(),
      (): ResponseBody => [Buffer.from("small")],
    ]) {
      for (const method of ["GET", "HEAD"]) {
        const closed = vi.fn<() => void>();
        await http(answers(() => onClose(body(), closed))).request(method, "/", { headers: every });
        expect(closed).toHaveBeenCalledTimes(1);
      }
    }
  });

  it("closes it also when an option throws, and reports that", async () => {
    const throws = (): never => {
      throw new Error("from an option");
    };
    for (const options of [{ skip: throws }, { compressible: throws }, { levels: { br: throws } }, { levels: { br: () => 12 } }]) {
      const closed = vi.fn<() => Promise<void>>(async () => {
        await nextTurn();
        throw new Error("second");
      });
      const app = http(
        answers(() => onClose([json], closed)),
        options,
      );
      const response = await app.get("/", { headers: every, errors: "expected" });
      expect(response.status).toBe(500);
      expect(response.errors).toMatch(/from an option|levels\.br is a whole number from 0 to 11, not 12/);
      expect(closed).toHaveBeenCalledTimes(1);
    }
  });

  it("closes it when the client has left while it was coded", async () => {
    const closed = vi.fn<() => void>();
    const left = new AbortController();
    const long = text(1_000_000);
    const app = http(
      answers(() => onClose([long], closed)),
      { skip: () => (left.abort(), false) },
    );
    const response = app.get("/", { headers: every, signal: left.signal });
    await expect(response).rejects.toThrow("left before");
    await eventually(() => closed.mock.calls.length > 0);
    expect(closed).toHaveBeenCalledTimes(1);
  });
});
