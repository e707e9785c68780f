import type { Environ, HeaderList } from "@gateway/core";
import {
  backEndApplication,
  environBody,
  severalClients,
  type BackEndApplication,
  type ClientOf,
  type GatewayResponse,
} from "@gateway/sockets";
import type { HttpRequest } from "./http-exchange.ts";
import { HttpPool } from "./http-pool.ts";
import { settingsOf, type HttpAppOptions } from "./options.ts";
import type { Origin } from "./origin.ts";
import { checkForwardable, requestHead, type BodyFraming } from "./request-head.ts";

/**
 * Makes an application that hands requests on to an HTTP server, and streams its answers.
 *
 * A back end that cannot be reached, breaks off before its answer has begun, or answers with what is no HTTP gives 502; one that takes too long 504;
 * too many requests at once 503. What breaks off later is broken off for the client too. Headers of the connection are dropped both ways.
 *
 * A connection is kept for the next request. Where one that was kept turns out to be closed before a byte of the answer came, the request is sent
 * once more, if it is idempotent and nothing of its body was taken.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function httpApp(options: HttpAppOptions): BackEndApplication {
  const { origins, downSeconds, pool, rules } = settingsOf(options);
  // The head is the origin's own: its Host, and its prefix.
  const clients = origins.map((origin) => clientOf(origin, new HttpPool(origin, pool)));
  const client = severalClients(clients, { downSeconds });

  const ask = async (environ: Environ): Promise<GatewayResponse> => {
    checkForwardable(environ);
    const { signal } = environ["gateway.exchange"];
    const { length, chunks } = await environBody(environ);
    const framing: BodyFraming = length ?? (chunks === undefined ? undefined : "chunked");
    const expectsContinue = chunks !== undefined && environ.HTTP_EXPECT?.toLowerCase() === "100-continue";
    return client.request({
      method: environ.REQUEST_METHOD,
      headFor: (origin) => requestHead(environ, origin, rules, framing, expectsContinue),
      body: chunks,
      length,
      expectsContinue,
      signal,
      onHints: (headers) => hint(environ, headers),
    });
  };
  return backEndApplication(ask, () => client.close());
}

/** A request whose head is written when it is known who gets it. */
interface OpenRequest extends Omit<HttpRequest, "head"> {
  readonly headFor: (origin: Origin) => string;
}

function clientOf(origin: Origin, pool: HttpPool): ClientOf<OpenRequest> {
  return {
    request: async ({ headFor, ...request }) => pool.request({ ...request, head: headFor(origin) }),
    close: () => pool.close(),
  };
}

/** What may not be sent as a hint is none, and no reason to fail. */
function hint(environ: Environ, headers: HeaderList): void {
  try {
    environ["gateway.exchange"].earlyHints(headers);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
