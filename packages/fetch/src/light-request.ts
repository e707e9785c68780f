import type { Environ } from "@gateway/core";
import { giveBodyReaders } from "./light-body.ts";
import { headersOf, realRequest } from "./real-request.ts";
import { setAll } from "./set-headers.ts";

/**
 * A `Request` that is made only when something needs one: what most handlers ask for, method, URL, headers and signal, is answered without. By its
 * prototype it is a `Request`; what the platform takes apart itself needs {@link realOf}, which `useLightObjects` sees to.
 */
export class LightRequest {
  readonly method: string;
  readonly url: string;
  readonly #environ: Environ;
  #headers: Headers | undefined = undefined;
  #real: Request | undefined = undefined;

  constructor(environ: Environ, url: string) {
    this.method = environ.REQUEST_METHOD;
    this.url = url;
    this.#environ = environ;
  }

  /** The request that the platform knows. From then on the two have one body; headers that were handed out before stay those that count. */
  get real(): Request {
    if (this.#real === undefined) this.#real = realRequest(this.#environ, this.url, this.#headers);
    else if (this.#headers !== undefined) setAll(this.#real.headers, this.#headers);
    return this.#real;
  }

  get headers(): Headers {
    this.#headers ??= this.#real?.headers ?? headersOf(this.#environ);
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#environ["gateway.exchange"].signal;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.real.body;
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? false;
  }

  get cache(): RequestCache {
    return this.real.cache;
  }

  get credentials(): RequestCredentials {
    return this.real.credentials;
  }

  get destination(): RequestDestination {
    return this.real.destination;
  }

  get integrity(): string {
    return this.real.integrity;
  }

  get keepalive(): boolean {
    return this.real.keepalive;
  }

  get mode(): RequestMode {
    return this.real.mode;
  }

  get redirect(): RequestRedirect {
    return this.real.redirect;
  }

  get referrer(): string {
    return this.real.referrer;
  }

  get referrerPolicy(): ReferrerPolicy {
    return this.real.referrerPolicy;
  }

  get duplex(): "half" {
    return "half";
  }

  static {
    giveBodyReaders(this.prototype);
  }
}

/** What the platform can take for a request. */
export function realOf(input: RequestInfo | URL): RequestInfo | URL {
  return input instanceof LightRequest ? input.real : input;
}
