import { decodePath, FileWrapper, type Environ, type ErrorStream, type InputStream } from "@gateway/core";
import { detachedExchange, emptyInput } from "@gateway/core/gateway";
import { Refusal, type SocketFacts } from "@gateway/sockets";
import { fastPaths } from "./fast-paths.ts";
import { Kind } from "./header-name.ts";
import type { RequestHead } from "./request-head.ts";

/** What is the same for every request of a connection. */
interface ConnectionFacts extends SocketFacts {
  readonly errors: ErrorStream;
}

const version: readonly [1, 0] = Object.freeze([1, 0] as const);
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/**
 * Makes the environs of one connection. Where the header names are those of an earlier request, its environ is copied, and only what
 * differs is set: adding keys one by one is what costs.
 */
export class EnvironMaker {
  readonly #facts: ConnectionFacts;
  #hasMade = false;
  /** The head that the pattern was made of. */
  #names: RequestHead["names"] = [];
  #values: RequestHead["values"] = [];
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
    if (this.#pattern === undefined || head.targetHost !== undefined || !isSame(head.names, this.#names)) {
      const environ = makeEnviron(head, path, input, this.#facts);
      // Not for the first request: it may be the only one.
      if (this.#hasMade && fastPaths.headerBlocks && isPlain(head)) this.#keep(head, environ);
      this.#hasMade = true;
      return environ;
    }
    const environ = { ...this.#pattern };
    environ.REQUEST_METHOD = head.method;
    environ.PATH_INFO = path;
    environ.QUERY_STRING = head.query;
    environ.SERVER_PROTOCOL = protocolOf(head);
    environ.REQUEST_URI = head.target;
    environ["wsgi.input"] = input;
    if (head.values !== this.#values) setValues(environ, head, this.#values);
    return environ;
  }

  #keep(head: RequestHead, environ: Environ): void {
    this.#names = head.names;
    this.#values = head.values;
    this.#pattern = { ...environ, "wsgi.input": emptyInput };
  }

  /** Lets go of what is kept of earlier requests. */
  forget(): void {
    this.#names = [];
    this.#values = [];
    this.#pattern = undefined;
  }
}

function isSame(names: RequestHead["names"], others: RequestHead["names"]): boolean {
  if (names === others) return true;
  if (names.length !== others.length) return false;
  for (let i = 0; i < names.length; i++) if (names[i] !== others[i]) return false;
  return true;
}

/** Is each key of the environ one header of the head? */
function isPlain({ names, targetHost }: RequestHead): boolean {
  const keys = new Set(names.map((name) => name.key));
  return targetHost === undefined && keys.size === names.length;
}

/** Sets the headers that differ from those of the pattern; the names are the same. */
function setValues(environ: Environ, { names, values }: RequestHead, before: readonly string[]): void {
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = values[i];
    if (name !== undefined && value !== before[i]) environ[name.key] = name.kind === Kind.host && value === "" ? undefined : value;
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
    "wsgi.url_scheme": facts.tls === undefined ? "http" : "https",
    "wsgi.input": input,
    "wsgi.errors": facts.errors,
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": fileWrapper,
    "gateway.exchange": detachedExchange,
    // Room for what the most usual layers add: a key that is added to a copy of an environ costs a microsecond.
    "gateway.request_id": undefined,
    "gateway.trace": undefined,
    "gateway.forwarded": undefined,
    "gateway.session": undefined,
    "gateway.connection": undefined,
    "gateway.csp_nonce": undefined,
    "wsgiorg.routing_args": undefined,
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
