import type { Application, ApplicationLike, HeaderList, StartResponse } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { errors, type ErrorsOptions } from "./index.ts";

type Client = ReturnType<typeof client>;

/** The `Accept` of a browser. */
export const browser = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8" };

/** The layer with a validator on both sides. */
export function served(app: ApplicationLike, options: ErrorsOptions = {}): Client {
  return client(errors({ generateId: () => "id-1", ...options })(validator(app)));
}

export const problem: Error = new Error("s3cret detail");

export const throwing: Application = () => {
  throw problem;
};

export const ok = (startResponse: StartResponse, headers: HeaderList = []): ReturnType<StartResponse> =>
  startResponse("200 OK", [["Content-Type", "text/plain"], ...headers]);

const failingChunk = (): Uint8Array => {
  throw problem;
};

export function* failingBody(): Generator<Uint8Array> {
  yield failingChunk();
}

/** Every way to throw before the first byte. */
export const early: readonly (readonly [string, Application])[] = [
  ["at once", throwing],
  [
    "after startResponse",
    (_environ, startResponse) => {
      ok(startResponse, [["Set-Cookie", "a=b"]]);
      throw problem;
    },
  ],
  [
    "from an asynchronous application",
    async (_environ, startResponse) => {
      ok(startResponse);
      throw problem;
    },
  ],
  [
    "from the first pull of a body",
    (_environ, startResponse) => {
      ok(startResponse, [["Content-Length", "1000"]]);
      return failingBody();
    },
  ],
  [
    "from a body that has given an empty chunk",
    async (_environ, startResponse) => {
      ok(startResponse);
      return (function* () {
        yield new Uint8Array(0);
        throw problem;
      })();
    },
  ],
  [
    "from an asynchronous body before startResponse",
    async function* (): AsyncGenerator<Uint8Array> {
      yield failingChunk();
    },
  ],
  [
    "when the body is opened",
    (_environ, startResponse) => {
      ok(startResponse);
      return {
        [Symbol.iterator](): Iterator<Uint8Array> {
          throw problem;
        },
      };
    },
  ],
];
