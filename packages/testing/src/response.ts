import { HeaderFields, type Ending, type HeaderList } from "@gateway/core";
import type { MemorySink } from "./memory-sink.ts";

const decoder = new TextDecoder();

/** What a client got: a whole response, and how the exchange ended. */
export class ClientResponse {
  /** The method of the request that it answers; after a redirect not the first one. */
  readonly method: string;
  /** The absolute URL of that request. */
  readonly url: string;
  /** The status code: `200`. */
  readonly status: number;
  /** The status as it was sent: `"200 OK"`. */
  readonly statusLine: string;
  /** The headers, as they were sent. */
  readonly headers: HeaderFields;
  /** The body as it was sent, chunk by chunk. */
  readonly chunks: readonly Uint8Array[];
  /** The body. */
  readonly bytes: Uint8Array;
  /** What was written to `wsgi.errors`. */
  readonly errors: string;
  /** What was sent as 103 before it, in order. */
  readonly earlyHints: readonly HeaderFields[];
  /** What the listeners of the exchange were told. */
  readonly ending: Ending;
  /** The redirects that led here, oldest first. */
  readonly redirects: readonly ClientResponse[];

  /** Made by the client. */
  constructor(parts: {
    method: string;
    url: string;
    sink: MemorySink;
    chunks: readonly Uint8Array[];
    errors: string;
    ending: Ending;
    redirects: readonly ClientResponse[];
  }) {
    const { received } = parts.sink;
    this.method = parts.method;
    this.url = parts.url;
    this.status = received?.code ?? 0;
    this.statusLine = received?.status ?? "";
    this.headers = new HeaderFields(received?.headers);
    this.chunks = parts.chunks;
    this.bytes = Buffer.concat(parts.chunks);
    this.errors = parts.errors;
    this.earlyHints = fieldsOf(parts.sink.hints);
    this.ending = parts.ending;
    this.redirects = parts.redirects;
  }

  /** The body as UTF-8. */
  text(): string {
    return decoder.decode(this.bytes);
  }

  /**
   * The body as JSON.
   *
   * @throws {SyntaxError} for what is no JSON.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** Header lists as something to look things up in. */
export function fieldsOf(lists: readonly HeaderList[]): HeaderFields[] {
  return lists.map((list) => new HeaderFields(list));
}

/** The response is not whole: the application broke it off, or the client left. */
export class ResponseAborted extends Error {
  /** What came before; its status is 0 where not even the head did. */
  readonly response: ClientResponse;

  /** @param reason what broke it off: also the `cause`. */
  constructor(response: ClientResponse, reason: unknown) {
    const { method, url, statusLine, bytes, errors } = response;
    const came = statusLine === "" ? "before its head" : `after ${statusLine} and ${bytes.byteLength} bytes of body`;
    const why = reason instanceof Error ? reason.message : String(reason);
    super(`the response to ${method} ${url} was broken off ${came}: ${why}${written(errors)}`, { cause: reason });
    this.name = "ResponseAborted";
    this.response = response;
  }
}

/** Something was written to `wsgi.errors`, and the test did not expect it. */
export class UnexpectedErrors extends Error {
  /** The response that came; `response.errors` is what was written. */
  readonly response: ClientResponse;

  /** The text that was written is `response.errors`, and in the message. */
  constructor(response: ClientResponse) {
    const { method, url, statusLine, errors, ending } = response;
    super(`${method} ${url} was answered ${statusLine}, with a report (errors: "expected" allows it)${written(errors)}`, {
      cause: ending.reason,
    });
    this.name = "UnexpectedErrors";
    this.response = response;
  }
}

/** Nothing was written to `wsgi.errors`, and the test expected that something would be. */
export class MissingErrors extends Error {
  /** The response that came. */
  readonly response: ClientResponse;

  /** @param response the response that came. */
  constructor(response: ClientResponse) {
    const { method, url, statusLine } = response;
    super(`${method} ${url} was answered ${statusLine} without a report: errors: "expected" waits for one in wsgi.errors`);
    this.name = "MissingErrors";
    this.response = response;
  }
}

function written(errors: string): string {
  return errors === "" ? "" : `\nwsgi.errors:\n${errors.trimEnd()}`;
}
