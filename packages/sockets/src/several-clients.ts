import { ClientError } from "./client-error.ts";
import type { GatewayResponse } from "./gateway-client.ts";

/** Whatever sends requests to one server. */
export interface ClientOf<Request> {
  request(request: Request): Promise<GatewayResponse>;
  close(): void;
}

/** How several servers are treated. */
export interface SeveralSettings {
  /** For how long a server that could not be reached is asked only when no other is left, in seconds. */
  readonly downSeconds: number;
  /** Milliseconds (default: `performance.now`). */
  readonly now?: () => number;
}

/**
 * One client of several servers: each takes its turn. Where no connection could be made, and so nothing of the request was sent, the next one
 * is asked.
 */
export function severalClients<Request>(
  clients: readonly ClientOf<Request>[],
  { downSeconds, now = () => performance.now() }: SeveralSettings,
): ClientOf<Request> {
  const [only, ...others] = clients;
  if (only === undefined) throw new TypeError("there is no server to ask: name at least one");
  if (others.length === 0) return only;
  const servers = clients.map((client) => ({ client, downUntil: -Infinity }));
  let turn = 0;
  return {
    async request(request) {
      const from = turn++ % servers.length;
      const inTurn = [...servers.slice(from), ...servers.slice(0, from)];
      const at = now();
      const isUp = ({ downUntil }: { downUntil: number }): boolean => downUntil <= at;
      let failure: unknown;
      for (const server of [...inTurn.filter(isUp), ...inTurn.filter((one) => !isUp(one))]) {
        try {
          const response = await server.client.request(request);
          server.downUntil = -Infinity;
          return response;
        } catch (error) {
          if (!isUnreached(error)) throw error;
          server.downUntil = now() + downSeconds * 1000;
          failure = error;
        }
      }
      throw failure;
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}

function isUnreached(error: unknown): boolean {
  return error instanceof ClientError && (error.code === "CONNECT_FAILED" || error.code === "CONNECT_TIME_LIMIT");
}
