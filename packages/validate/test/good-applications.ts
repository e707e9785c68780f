import { Readable } from "node:stream";
import { runInNewContext } from "node:vm";
import type { Application, ApplicationLike, Environ, HeaderList } from "@gateway/core";

const bytes = Buffer.from("hello");
const type = (): HeaderList => [["Content-Type", "text/plain"]];

const buffered: Application = (_, startResponse) => {
  startResponse("200 OK", type());
  return [bytes];
};

/** Applications without a fault, and what they answer: the text, and the status where it is not 200. */
export const good: Readonly<Record<string, readonly [app: ApplicationLike, text: string, status?: string]>> = {
  "a function": [buffered, "hello"],
  "a class": [
    class {
      constructor(_: Environ, startResponse: Parameters<Application>[1]) {
        startResponse("200 OK", type());
      }
      *[Symbol.iterator](): Generator<Uint8Array> {
        yield bytes;
      }
    },
    "hello",
  ],
  "an object": [{ call: buffered }, "hello"],
  "an asynchronous function": [async (environ, startResponse) => buffered(environ, startResponse), "hello"],
  "a generator, startResponse late": [
    function* (_, startResponse) {
      yield new Uint8Array(0);
      startResponse("200 OK", type());
      yield bytes;
      yield new Uint8Array(0);
      yield bytes;
    },
    "hellohello",
  ],
  "an asynchronous generator": [
    async function* (environ, startResponse) {
      await environ["wsgi.input"].read();
      startResponse("200 OK", [...type(), ["Content-Length", "10"]]);
      yield bytes;
      yield bytes;
    },
    "hellohello",
  ],
  "write, awaited": [
    async (_, startResponse) => {
      const write = startResponse("200 OK", [...type(), ["Content-Length", "15"]]);
      await write(bytes);
      await write(new Uint8Array(0));
      await write(bytes);
      return [bytes];
    },
    "hellohellohello",
  ],
  "write, not awaited": [
    (_, startResponse) => {
      const write = startResponse("200 OK", type());
      void write(bytes);
      void write(bytes);
      return [];
    },
    "hellohello",
  ],
  "an error before the head": [
    (_, startResponse) => {
      startResponse("200 OK", [...type(), ["Content-Length", "1000"]]);
      startResponse("503 Busy", type(), new Error("busy"));
      return [bytes];
    },
    "hello",
    "503 Busy",
  ],
  "no content": [
    (_, startResponse) => {
      startResponse("204 No Content", []);
      return [];
    },
    "",
    "204 No Content",
  ],
  "not modified, with a length": [
    (_, startResponse) => {
      startResponse("304 Not Modified", [["Content-Length", "5"]]);
      return new Set();
    },
    "",
    "304 Not Modified",
  ],
  "a redirect without a type": [
    (_, startResponse) => {
      startResponse("303 See Other", [["Location", "/"]]);
      return [];
    },
    "",
    "303 See Other",
  ],
  "a status without a reason": [
    (_, startResponse) => {
      startResponse("599", type());
      return [bytes];
    },
    "hello",
    "599",
  ],
  "a stream of Node": [
    (_, startResponse) => {
      startResponse("200 OK", type());
      return Readable.from([bytes, bytes]);
    },
    "hellohello",
  ],
  "a file": [
    (environ, startResponse) => {
      startResponse("200 OK", type());
      const blocks = [bytes, bytes];
      return environ["wsgi.file_wrapper"]?.({ read: () => blocks.pop() ?? new Uint8Array(0) }) ?? [];
    },
    "hellohello",
  ],
  "an array and bytes of another realm": [
    (_, startResponse) => {
      startResponse("200 OK", type());
      return runInNewContext("[new Uint8Array([104, 105])]") as Uint8Array[];
    },
    "hi",
  ],
};
