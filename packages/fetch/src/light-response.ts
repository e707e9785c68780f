import { isToken, type HeaderList } from "@gateway/core";
import { giveBodyReaders } from "./light-body.ts";
import { setAll } from "./set-headers.ts";

const NativeResponse: typeof Response = Response;
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);
const encoder = new TextEncoder();
/** What the platform refuses in the value of a header, and some that it does not. */
const notField = /[^\t -~\u{80}-\u{FF}]/u;

/** What a response is made of, where nothing has asked for more. */
interface ResponseParts {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array | null;
}

/** As the constructor of `Response` takes it. */
interface Init {
  readonly status?: number | undefined;
  readonly statusText?: string | undefined;
  readonly headers?: HeadersInit | undefined;
}

/**
 * A `Response` that is made only when something needs one: a text or bytes with status and headers go to the server as they are. Anything else
 * is a real `Response` from the start.
 */
export class LightResponse {
  readonly #status: number;
  readonly #list: [string, string][];
  readonly #body: string | Uint8Array | null;
  #headers: Headers | undefined = undefined;
  #real: Response | undefined = undefined;

  constructor(body?: BodyInit | null, init?: Init | null) {
    const { status = 200, statusText = "", headers } = init ?? {};
    const given = body ?? null;
    const isPlain = given === null || typeof given === "string" || given instanceof Uint8Array;
    const isSendable = Number.isInteger(status) && status >= 200 && status <= 599 && (given === null || !bodiless.has(status));
    const list = isPlain && isSendable && statusText === "" ? listOf(headers) : undefined;
    this.#status = status;
    if (list === undefined) {
      this.#list = [];
      this.#body = null;
      this.#real = new NativeResponse(given, (init ?? {}) as ResponseInit);
      return;
    }
    if (typeof given === "string" && !list.some(([name]) => name.toLowerCase() === "content-type"))
      list.push(["content-type", "text/plain;charset=UTF-8"]);
    this.#list = list;
    // A copy, as the platform makes one: who gave the bytes may go on using them.
    this.#body = given instanceof Uint8Array ? new Uint8Array(given) : isPlain ? given : null;
  }

  static error(): Response {
    return NativeResponse.error();
  }

  static redirect(url: string | URL, status?: number): Response {
    return NativeResponse.redirect(url, status);
  }

  static json(data: unknown, init?: ResponseInit): Response {
    return NativeResponse.json(data, init);
  }

  /** What the platform makes are responses too. */
  static [Symbol.hasInstance](value: unknown): boolean {
    // A class that is derived from this one has instances of its own.
    return this === LightResponse ? value instanceof NativeResponse : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  /** `undefined` where there is a real response. */
  static parts(response: unknown): ResponseParts | undefined {
    return typeof response === "object" && response !== null && #real in response ? response.#parts() : undefined;
  }

  #parts(): ResponseParts | undefined {
    if (this.#real !== undefined) return undefined;
    const body = this.#body;
    const headers: HeaderList = [];
    if (this.#headers === undefined) headers.push(...this.#list);
    else this.#headers.forEach((value, name) => headers.push([name, value]));
    return { status: this.#status, headers, body: typeof body === "string" ? encoder.encode(body) : body };
  }

  /** The response that the platform knows. From then on the two have one body; headers that were handed out before stay those that count. */
  get real(): Response {
    const real = (this.#real ??= new NativeResponse(this.#body as BodyInit | null, { status: this.#status, headers: this.#list }));
    if (this.#headers !== undefined) setAll(real.headers, this.#headers);
    return real;
  }

  get headers(): Headers {
    this.#headers ??= this.#real?.headers ?? new Headers(this.#list);
    return this.#headers;
  }

  get status(): number {
    return this.#real?.status ?? this.#status;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  get statusText(): string {
    return this.#real?.statusText ?? "";
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#real === undefined && this.#body === null ? null : this.real.body;
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? false;
  }

  get redirected(): boolean {
    return this.#real?.redirected ?? false;
  }

  get type(): ResponseType {
    return this.#real?.type ?? "default";
  }

  get url(): string {
    return this.#real?.url ?? "";
  }

  static {
    giveBodyReaders(this.prototype);
  }
}

/** A copy, because who gave it may go on changing it; `undefined` for what the platform has to read. */
function listOf(given: HeadersInit | undefined): [string, string][] | undefined {
  const list: [string, string][] = [];
  if (given === undefined) return list;
  if (given instanceof Headers) {
    given.forEach((value, name) => list.push([name, value]));
    return list;
  }
  if (Array.isArray(given)) return undefined;
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string" || value.trim() !== value || notField.test(value) || !isToken(name)) return undefined;
    list.push([name, value]);
  }
  return list;
}
