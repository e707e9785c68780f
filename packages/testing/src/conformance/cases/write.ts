import type { Write } from "@gateway/core";
import { bytes, plain } from "../apps.ts";
import type { ConformanceCase } from "../types.ts";

const area = "write";

/** The `write` that `startResponse` returns. */
export const writeCases: readonly ConformanceCase[] = [
  {
    area,
    name: "sends what is written before the body",
    request: {},
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      await write(bytes("written, "));
      return [bytes("returned")];
    },
    expect: { status: 200, headers: { absent: ["Content-Length"] }, body: "written, returned" },
  },
  {
    area,
    name: "sends what a synchronous application writes and returns",
    request: {},
    app: () => (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      // Not awaited: a synchronous application cannot. The gateway waits before it pulls the body.
      void write(bytes("one "));
      void write(bytes("two "));
      return [bytes("three")];
    },
    expect: { status: 200, body: "one two three" },
  },
  {
    area,
    name: "sends what is only written",
    request: {},
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      for (const text of ["a", "b", "c"]) await write(bytes(text));
      return [];
    },
    expect: { status: 200, body: "abc" },
  },
  {
    area,
    name: "sends a stream behind what was written",
    request: {},
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      await write(bytes("written, "));
      return (function* body() {
        yield bytes("then ");
        yield bytes("streamed");
      })();
    },
    expect: { status: 200, body: "written, then streamed" },
  },
  {
    area,
    name: "writes a megabyte, with back-pressure",
    request: {},
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      for (let i = 0; i < 64; i++) await write(new Uint8Array(16 * 1024).fill(97 + (i % 26)));
      return [];
    },
    expect: {
      status: 200,
      body: Array.from({ length: 64 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(16 * 1024)).join(""),
    },
  },
  {
    area,
    name: "writes nothing for an empty chunk, and leaves the head open",
    request: {},
    app: () => (_environ, startResponse) => {
      const write = startResponse("200 OK", plain(["X-First", "yes"]));
      void write(bytes(""));
      startResponse("503 Service Unavailable", plain(), new Error("replaced"));
      return [bytes("replaced")];
    },
    expect: { status: 503, headers: { absent: ["X-First"] }, body: "replaced" },
  },
  {
    area,
    name: "keeps a declared length that is written and returned",
    request: {},
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain(["Content-Length", "8"]));
      await write(bytes("abc"));
      return [bytes("defgh")];
    },
    expect: { status: 200, headers: { equals: { "Content-Length": "8" } }, body: "abcdefgh" },
  },
  {
    area,
    name: "breaks off when less is written and returned than declared",
    request: {},
    breaks: true,
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain(["Content-Length", "8"]));
      await write(bytes("abc"));
      return [];
    },
    expect: { status: 200, body: "abc", truncated: true, errors: "some" },
  },
  {
    area,
    name: "throws from write() what goes over the declared length, and breaks off",
    request: {},
    breaks: true,
    app: (probe) => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain(["Content-Length", "5"]));
      await write(bytes("abc"));
      try {
        await write(bytes("defg"));
      } catch (error) {
        probe.note("threw");
        throw error;
      }
      return [];
    },
    expect: { status: 200, body: "abc", truncated: true, notes: ["threw"], errors: "some" },
  },
  {
    area,
    name: "throws from write() once the body has been returned",
    request: {},
    breaks: true,
    app: (probe) => (_environ, startResponse) => {
      const write: Write = startResponse("200 OK", plain());
      return (function* body() {
        yield bytes("one ");
        try {
          void write(bytes("between "));
        } catch {
          probe.note("threw");
        }
        yield bytes("two");
      })();
    },
    expect: { status: 200, body: "one two", notes: ["threw"], errors: "maybe" },
  },
  {
    area,
    name: "throws from write() for a string, and answers 500",
    request: {},
    breaks: true,
    app: (probe) => (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      try {
        void write("secret" as unknown as Uint8Array);
      } catch (error) {
        probe.note(error instanceof TypeError ? "TypeError" : String(error));
        throw error;
      }
      return [];
    },
    expect: { status: 500, bodyWithout: ["secret"], notes: ["TypeError"], errors: "some" },
  },
  {
    area,
    name: "writes nothing for HEAD",
    request: { method: "HEAD" },
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain(["Content-Length", "8"]));
      await write(bytes("abc"));
      return [bytes("defgh")];
    },
    expect: { status: 200, headers: { equals: { "Content-Length": "8" } }, body: "" },
  },
  {
    area,
    name: "breaks off when the application throws after it wrote",
    request: {},
    app: () => async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      await write(bytes("begun"));
      throw new Error("then broken");
    },
    expect: { status: 200, body: "begun", truncated: true, errors: "some" },
  },
];
