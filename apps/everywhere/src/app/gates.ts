import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HTTPError, type Application, type Environ } from "@gateway/core";
import { parameter, text } from "./answers.ts";

/**
 * Where the response with this id waits: a Unix socket, since the request that opens the gate may reach another process.
 *
 * @throws {HTTPError} 400 for an id that is no name.
 */
function gatePath(id: string): string {
  if (!/^[\w-]{1,64}$/.test(id)) throw new HTTPError(400, "an id has letters, digits, _ and -");
  return join(tmpdir(), `gateway-gate-${id}`);
}

/** Resolves when somebody has sent a POST to `/gate` with this id, or nobody waits for the response any more. */
export function gateOf(id: string, environ: Environ): Promise<void> {
  const { signal } = environ["gateway.exchange"];
  return new Promise((resolve, reject) => {
    const server = createServer((visitor) => {
      visitor.destroy();
      open();
    });
    const open = (): void => {
      server.close();
      resolve();
    };
    server.on("error", reject).listen(gatePath(id));
    signal.addEventListener("abort", open, { once: true });
  });
}

/** Lets a response go on: `/gate?id=a`. */
export const gate: Application = async (environ, startResponse) => {
  const path = gatePath(parameter(environ, "id") ?? "");
  const isOpen = await new Promise<boolean>((resolve) => {
    connect(path)
      .on("connect", () => resolve(true))
      .on("error", () => resolve(false))
      .on("close", () => resolve(false))
      .resume();
  });
  return text(startResponse, isOpen ? "open\n" : "no such gate\n");
};
