import type { ApplicationLike, HeaderList } from "@gateway/core";

/** What a case is about. */
export type Area = "environ" | "input" | "head" | "body" | "length" | "write" | "errors" | "close";

/** How the application of a case speaks to the test. It may run in another process, so there are words and nothing else. */
export interface Probe {
  /** Notes that something happened. One line, no line end. */
  note(text: string): void;
}

/** Waits until the application noted this text. */
export interface AfterNote {
  readonly afterNote: string;
}

/** The request of a case. */
export interface CaseRequest {
  /** Default `"GET"`. */
  readonly method?: string;
  /** As it goes over the wire (default `"/"`). */
  readonly target?: string;
  /** Sent in this order beside what the transport adds (`Host: localhost`, framing, `Connection`). Values in latin-1. */
  readonly headers?: Readonly<HeaderList>;
  /** The body: sent with a Content-Length, or `chunked` with one chunk each; `{ afterNote }` holds the rest back. */
  readonly body?: {
    readonly chunked?: true;
    readonly chunks: readonly (string | Uint8Array | AfterNote)[];
  };
  /** The client leaves: once it has the head, once it has that many bytes of body, or once the application noted something. */
  readonly leave?: "head" | number | AfterNote;
  /** How often it is sent, one after the other; the last response is looked at (default 1). */
  readonly repeat?: number;
}

/** Headers of a response that a case looks at; names in any case. */
export interface ExpectedHeaders {
  /** Headers that come exactly once, with this value. */
  readonly equals?: Readonly<Record<string, string>>;
  /** All values of a header, in order, not joined. */
  readonly all?: Readonly<Record<string, readonly string[]>>;
  readonly absent?: readonly string[];
  /** Names spelled exactly so. */
  readonly spelled?: readonly string[];
}

/** What the client must see. What is not mentioned is not looked at, but for `truncated`, `notes` and `errors`. */
export interface Expectation {
  /** The status code. Leave it out only where the client leaves before there is one. */
  readonly status?: number;
  /** The reason phrase. */
  readonly reason?: string;
  readonly headers?: ExpectedHeaders;
  /** The whole body; of a truncated one (or one that the client left) what came must be a beginning of it. */
  readonly body?: string | Uint8Array;
  /** Texts that the body must not contain. */
  readonly bodyWithout?: readonly string[];
  /** The client can see that the body is not whole (default `false`). `"maybe"` where not every protocol can show it. */
  readonly truncated?: boolean | "maybe";
  /** What the application noted, exactly and in order (default: nothing). */
  readonly notes?: readonly string[];
  /** Whether something was written to `wsgi.errors` (default `"none"`). */
  readonly errors?: "some" | "maybe" | "none";
  /** Texts that must have been written to `wsgi.errors`. */
  readonly errorsWith?: readonly string[];
}

/** One case of the table: a request, the application that answers it, and what the client must see. */
export interface ConformanceCase {
  /** Unique in the table. */
  readonly name: string;
  readonly area: Area;
  readonly request: CaseRequest;
  /** Makes the application. */
  readonly app: (probe: Probe) => ApplicationLike;
  readonly expect: Expectation;
  /** The application breaks the contract on purpose, so the case is not run inside the validator. */
  readonly breaks?: true;
}

/** A request as a transport sends it. */
export interface ConformanceRequest {
  readonly method: string;
  /** As it goes over the wire. */
  readonly target: string;
  /** Without framing: the transport adds `Host: localhost` where there is none, and what frames the body. */
  readonly headers: Readonly<HeaderList>;
  /** The chunks may come slowly: each is to be sent when it comes. */
  readonly body?: { readonly chunked: boolean; readonly length: number; readonly chunks: AsyncIterable<Uint8Array> } | undefined;
  /** The client leaves when it has the head, or that many bytes of the body. */
  readonly leave?: "head" | number | undefined;
  /** The client leaves when this is aborted: whoever waits for the rest of `body` must be told that it will not come. */
  readonly signal: AbortSignal;
}

/** What the client saw. */
export interface ConformanceResponse {
  /** `"200 OK"` */
  readonly status: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  /** The client could see that the body is not whole. */
  readonly truncated: boolean;
}

/** What a transport is told when it starts. */
export interface TransportHooks {
  /** Names the application for another process: there {@link applicationFor} makes it of this. */
  readonly key: string;
  /** Passes on what the application noted in another process. (In this process it notes by itself.) */
  note(text: string): void;
  /** Passes on what was written to `wsgi.errors`. */
  errors(text: string): void;
}

/** A way from a client to an application: what a gateway supplies to run the table. */
export interface Transport {
  readonly name: string;
  /** Cases of the table that it cannot carry, by name, each with the reason. */
  readonly lacks?: Readonly<Record<string, string>> | undefined;
  /** Serves one application, until it is stopped. */
  start(app: ApplicationLike, hooks: TransportHooks): Promise<RunningTransport>;
}

/** A transport that serves an application. */
export interface RunningTransport {
  /** Sends one request. `undefined` when no response came: the client left, or was cut off. Rejects for what is no HTTP. */
  send(request: ConformanceRequest): Promise<ConformanceResponse | undefined>;
  /** Stops, and resolves when nothing is left of it. */
  stop(): Promise<void>;
}

/** The functions of a test runner: vitest's, or those of `node:test`. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}
