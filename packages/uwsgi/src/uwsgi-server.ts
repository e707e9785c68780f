import { httpHead } from "@gateway/core/gateway";
import { singleRequestServer, type MakeSingleRequestServer } from "@gateway/sockets";
import { UwsgiReader } from "./packet.ts";

/** Makes servers that speak the uwsgi protocol: `makeServer(host, port, app, options)`. */
export const makeServer: MakeSingleRequestServer = singleRequestServer({
  reader: (maxBytes) => new UwsgiReader(maxBytes),
  head: httpHead,
});
