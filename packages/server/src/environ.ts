import { decodePath, FileWrapper, type Environ, type ErrorStream, type InputStream } from "@gateway/core";
import { detachedExchange, emptyInput } from "@gateway/core/gateway";
import { fastPaths } from "./fast-paths.ts";
import { Kind } from "./header-name.ts";
import { Refusal } from "./refusal.ts";
import type { RequestHead } from "./request-head.ts";
import type { TlsFacts } from "./tls.ts";

/** What is the same for every request of a connection. */
export interface ConnectionFacts {
  readonly serverName: string;
  readonly serverPort: string;
  readonly remoteAddress: string;
  readonly remotePort: string | undefined;
  readonly scheme: "http" | "https";
  readonly errors: ErrorStream;
  /** What TLS knows of the client; `undefined` where there is none. */
  readonly tls: TlsFacts | undefined;
}

const version: readonly [1, 0] = Object.freeze([1, 0] as const);
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/**
 * Makes the environs of one connection. When the header lines are those of the request before (the parser then gives the very same
 * arrays), the last environ is copied, and only what differs is set: adding keys one by one is what costs.
 */
export class EnvironMaker {
  readonly #facts: ConnectionFacts;
  #hasMade = false;
  #names: RequestHead["names"] | undefined = undefined;
  /** Given to nobody: an application may change its environ as it likes. */
  #pattern: Environ | undefined = undefined;

  constructor(facts: ConnectionFacts) {
    this.#facts = facts;
  }

  /** @throws {Refusal} for a path that cannot be decoded. */
  make(head: RequestHead, input: InputStream): Environ {
    const path = head.path === "*" ? "*" : decodePath(head.path);
    if (path === undefined) {
      throw new Refusal(400, "the path has a NUL, or a % without two hexadecimal digits (RFC 3986 section 2.1)");
    }
    if (this.#names !== head.names || head.targetHost !== undefined || !fastPaths.headerBlocks) {
      this.#names = this.#hasMade && head.targetHost === undefined ? head.names : undefined;
      this.#pattern = undefined;
      this.#hasMade = true;
      return makeEnviron(head, path, input, this.#facts);
    }
    this.#pattern ??= makeEnviron(head, path, emptyInput, this.#facts);
    const environ = { ...this.#pattern };
    environ.REQUEST_METHOD = head.method;
    environ.PATH_INFO = path;
    environ.QUERY_STRING = head.query;
    environ.SERVER_PROTOCOL = protocolOf(head);
    environ.REQUEST_URI = head.target;
    environ["wsgi.input"] = input;
    return environ;
  }

  /** Lets go of what is kept of the last request. */
  forget(): void {
    this.#names = undefined;
    this.#pattern = undefined;
  }
}

function protocolOf(head: RequestHead): string {
  return head.minor === 1 ? "HTTP/1.1" : "HTTP/1.0";
}

/** An environ: one literal with all fixed keys in one order, then the headers. */
function makeEnviron(head: RequestHead, path: string, input: InputStream, facts: ConnectionFacts): Environ {
  const environ: Environ = {
    REQUEST_METHOD: head.method,
    SCRIPT_NAME: "",
    PATH_INFO: path,
    QUERY_STRING: head.query,
    CONTENT_TYPE: undefined,
    CONTENT_LENGTH: undefined,
    SERVER_NAME: facts.serverName,
    SERVER_PORT: facts.serverPort,
    SERVER_PROTOCOL: protocolOf(head),
    REQUEST_URI: head.target,
    REMOTE_ADDR: facts.remoteAddress,
    REMOTE_PORT: facts.remotePort,
    HTTP_HOST: undefined,
    "wsgi.version": version,
    "wsgi.url_scheme": facts.scheme,
    "wsgi.input": input,
    "wsgi.errors": facts.errors,
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": fileWrapper,
    "gateway.exchange": detachedExchange,
  };
  if (facts.tls !== undefined) {
    environ.HTTPS = "on";
    environ["gateway.tls"] = facts.tls;
  }
  addHeaders(environ, head);
  return environ;
}

function addHeaders(environ: Environ, head: RequestHead): void {
  const { names, values, targetHost } = head;
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = values[i];
    if (name === undefined || value === undefined || (name.kind === Kind.host && value === "")) continue;
    const before = environ[name.key];
    environ[name.key] = before === undefined ? value : before + name.joint + value;
  }
  if (targetHost !== undefined) environ.HTTP_HOST = targetHost;
}
