import { setLight } from "./light-switch.ts";
import { LightRequest, realOf } from "./light-request.ts";
import { LightResponse } from "./light-response.ts";

let restore: (() => void) | undefined;

/**
 * Replaces `Request`, `Response` and `fetch` of this process by ones that cost less, as Hono's own node server does: from then on `fromFetch` gives
 * handlers requests, and takes responses, that are made only when something needs more of them than method, URL, headers, status and text. What the
 * platform has besides (`caches`, say) knows neither. For programs, not for libraries; call it once, before handlers are called.
 *
 * @returns puts the globals of the platform back.
 */
export function useLightObjects(): () => void {
  if (restore !== undefined) return restore;
  const { Request: NativeRequest, Response: NativeResponse, fetch: nativeFetch } = globalThis;

  class GlobalRequest extends NativeRequest {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(realOf(input), init);
    }

    /** What the platform makes are requests too. */
    static override [Symbol.hasInstance](value: unknown): boolean {
      return this === GlobalRequest ? value instanceof NativeRequest : Function.prototype[Symbol.hasInstance].call(this, value);
    }
  }

  Object.setPrototypeOf(LightRequest.prototype, GlobalRequest.prototype);
  Object.setPrototypeOf(LightResponse.prototype, NativeResponse.prototype);
  const globals = {
    Request: GlobalRequest,
    Response: LightResponse,
    fetch: (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => nativeFetch(realOf(input), init),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(value, "name", { value: name });
    define(name, value);
  }
  setLight(true);
  restore = () => {
    restore = undefined;
    setLight(false);
    for (const [name, value] of Object.entries({ Request: NativeRequest, Response: NativeResponse, fetch: nativeFetch }))
      define(name, value);
  };
  return restore;
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
