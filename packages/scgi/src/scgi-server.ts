import { cgiHead } from "@gateway/core/gateway";
import { singleRequestServer, type MakeSingleRequestServer } from "@gateway/sockets";
import { ScgiReader } from "./packet.ts";

/** Makes SCGI servers: `makeServer(host, port, app, options)`. */
export const makeServer: MakeSingleRequestServer = singleRequestServer({
  reader: (maxBytes) => new ScgiReader(maxBytes),
  head: cgiHead,
});
