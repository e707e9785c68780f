import type { GatewayServer } from "@gateway/server";

/** Serves until the process is asked to stop; requests under way may finish. */
export async function serveUntilStopped(server: GatewayServer): Promise<void> {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.shutdown());
  await server.listen();
  console.log("listening");
  await server.serveForever();
  await server.shutdown();
}
