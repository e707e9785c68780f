import type { Exchange } from "./exchange.ts";

/** What a gateway tells an application about one request: a plain, mutable object (PEP 3333, "environ Variables"). */
export interface Environ {
  /** The method, case kept: `"GET"`. */
  REQUEST_METHOD: string;
  /** The part of the path that led to this application, percent-decoded as UTF-8; `""` at the root, never `"/"`. */
  SCRIPT_NAME: string;
  /** The rest of the path, percent-decoded once as UTF-8. Empty only where SCRIPT_NAME is not; `"*"` for `OPTIONS *`. */
  PATH_INFO: string;
  /** What follows the `?`, as it was sent; `""` when there is nothing. */
  QUERY_STRING: string;
  CONTENT_TYPE?: string | undefined;
  /** Digits, where the client said how long the body is. Not needed for reading: the input ends by itself. */
  CONTENT_LENGTH?: string | undefined;
  SERVER_NAME: string;
  SERVER_PORT: string;
  /** `"HTTP/1.1"`, or what the client spoke. */
  SERVER_PROTOCOL: string;
  /** The request target as the gateway received it, where the gateway can know it (SPEC.md lists those that cannot). */
  REQUEST_URI?: string | undefined;
  /** The address of the peer; `""` on a Unix socket. */
  REMOTE_ADDR?: string | undefined;
  REMOTE_PORT?: string | undefined;
  HTTPS?: string | undefined;
  /** A request header: `HTTP_ACCEPT`. Latin-1 as on the wire; repeated ones joined with `", "`, `Cookie` with `"; "`. */
  [header: `HTTP_${string}`]: string | undefined;
  "wsgi.version": readonly [major: 1, minor: 0];
  "wsgi.url_scheme": string;
  "wsgi.input": InputStream;
  "wsgi.errors": ErrorStream;
  "wsgi.multithread": boolean;
  "wsgi.multiprocess": boolean;
  "wsgi.run_once": boolean;
  /** Always `true`: `wsgi.input` ends where the body ends, chunked bodies too. */
  "wsgi.input_terminated": true;
  /** Makes a body out of a file, in a way the gateway can send well (PEP 3333, "Optional Platform-Specific File Handling"). */
  "wsgi.file_wrapper"?: ((file: FileLike, blockSize?: number) => ResponseBody) | undefined;
  /** This exchange of one request for one response: is the client still there, and how did it end? */
  "gateway.exchange": Exchange;
  /** Extensions: their keys contain a dot. */
  [extension: `${string}.${string}`]: unknown;
}

/** The request body (PEP 3333, "Input and Error Streams"). Iterating gives the chunks as they arrive. A body cut short throws. */
export interface InputStream extends AsyncIterable<Uint8Array> {
  /** Up to `size` bytes, fewer only at the end; without a size (or a negative one) all the rest. Empty at the end, ever again. */
  read(size?: number): Promise<Uint8Array>;
  /** One line with its `\n`, or at most `limit` bytes of it. Empty at the end. */
  readline(limit?: number): Promise<Uint8Array>;
  /** The lines that are left; stops after the line that reaches `hint` bytes in all. */
  readlines(hint?: number): Promise<Uint8Array[]>;
}

/** Where an application reports what went wrong (PEP 3333, "Input and Error Streams"). Text; the gateway encodes it. */
export interface ErrorStream {
  write(text: string): void;
  writelines(lines: Iterable<string>): void;
  flush(): void;
}

/** What `wsgi.file_wrapper` wraps. An empty chunk is the end. */
export interface FileLike {
  read(size: number): Uint8Array | Promise<Uint8Array>;
  close?(): void | Promise<void>;
}

/** One response header. Never changed in place: replace it in its list. */
export type Header = readonly [name: string, value: string];

/** The response headers, in order. The list belongs to the server side once given to `startResponse`: give a fresh one each time. */
export type HeaderList = Header[];

/** Begins the response (PEP 3333, "The start_response() Callable"). Again only with `excInfo`, which is thrown if the head has gone. */
export type StartResponse = (status: string, headers: HeaderList, excInfo?: unknown) => Write;

/** Sends bytes at once (PEP 3333, "The write() Callable"). Await what it returns; throws once the client is gone. */
export type Write = (chunk: Uint8Array) => void | Promise<void>;

/** Byte chunks. An empty one asks layers to let go of what they hold. `close` is called exactly once, however it ended. */
export type ResponseBody = (Iterable<Uint8Array> | AsyncIterable<Uint8Array>) & {
  close?: (() => void | Promise<void>) | undefined;
};

/** A web application (PEP 3333, "The Application/Framework Side"). A synchronous one is served without a promise. */
export type Application<E = Environ> = (environ: E, startResponse: StartResponse) => ResponseBody | Promise<ResponseBody>;

/** A layer. The application inside it gets `Adds`; the layers outside it must give `Needs` (PEP 3333, "Middleware"). */
export interface Middleware<Adds = unknown, Needs = unknown> {
  (app: Application<Environ & Needs & Adds>): Application<Environ & Needs>; // first: it types inline applications
  <E extends Environ>(app: Application<E & Adds>): Application<E & Needs>;
}
