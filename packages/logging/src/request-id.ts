import { randomUUID } from "node:crypto";
import { checkOptionNames, isToken, layer, type Environ, type Middleware } from "@gateway/core";
import { trustOf, type Trust } from "./trust.ts";

/** What {@link requestId} adds to environ. */
export interface RequestIdEnviron {
  "gateway.request_id": string;
}

/** Settings of {@link requestId}. */
export interface RequestIdOptions {
  /** The header that carries the id, in both directions (default `"X-Request-Id"`). */
  readonly headerName?: string | undefined;
  /** Whose id is taken over from the request, if it is a safe one (default `false`: nobody's). */
  readonly trust?: Trust | undefined;
  /** Makes an id: 1 to 128 characters that {@link isRequestId} takes (default: a random UUID). */
  readonly generate?: (() => string) | undefined;
}

/**
 * Is it fit to be an id: 1 to 128 letters, digits and `- . _ ~ : / + = @`? So nothing in it means anything to a log, a shell or a page.
 */
export function isRequestId(id: string): boolean {
  return /^[\w.~:/+=@-]{1,128}$/.test(id);
}

/**
 * Gives each request an id: `environ["gateway.request_id"]` going in, a response header going out. A header that the application set stays
 * as it is. A response that the gateway makes itself, because the application threw, has no id.
 *
 * @throws {TypeError} while wrapping, for a `headerName` that is no token, or an option of the wrong type; for a request, if `generate`
 *   gives what is no id.
 */
export function requestId(options: RequestIdOptions = {}): Middleware<RequestIdEnviron> {
  checkOptionNames("requestId", options, { headerName: true, trust: true, generate: true });
  const { headerName = "X-Request-Id", generate = randomUUID } = options;
  if (typeof headerName !== "string" || !isToken(headerName))
    throw new TypeError(`headerName: ${JSON.stringify(headerName)} is no header name`);
  if (headerName.includes("_"))
    throw new TypeError(`headerName: gateways drop request headers with an underscore, such as ${headerName}`);
  if (typeof generate !== "function") throw new TypeError("generate is a function that makes an id");
  const isTrusted = trustOf(options.trust ?? false);
  const key: keyof Environ & `HTTP_${string}` = `HTTP_${headerName.toUpperCase().replaceAll("-", "_")}`;
  const name = headerName.toLowerCase();

  return layer<RequestIdEnviron>((app) => (environ, startResponse) => {
    const given = environ[key];
    const id = given !== undefined && isTrusted(environ) && isRequestId(given) ? given : generated(generate);
    environ["gateway.request_id"] = id;
    return app(environ, (status, headers, excInfo) => {
      if (!headers.some((header) => header[0].toLowerCase() === name)) headers.push([headerName, id]);
      return startResponse(status, headers, excInfo);
    });
  });
}

function generated(generate: () => string): string {
  const id = generate();
  if (typeof id !== "string" || !isRequestId(id)) {
    throw new TypeError(`generate made ${JSON.stringify(id)}, which is no id: 1 to 128 letters, digits and - . _ ~ : / + = @`);
  }
  return id;
}
