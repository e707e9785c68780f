import type { Socket } from "node:net";
import type { Application } from "@gateway/core";
import { afterEach, vi } from "vitest";
import type { HttpAppOptions } from "./options.ts";
import { canned, type Canned } from "./test-back-end.ts";
import { front } from "./test-servers.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** A back end that answers each request with this text, or as it is told, and our server in front of it. */
export async function backEnd(
  answer: string | ((socket: Socket, count: number) => void),
  options: Partial<HttpAppOptions> = {},
): Promise<Canned> {
  const back = await canned(typeof answer === "string" ? (socket) => void socket.write(answer, "latin1") : answer, options);
  stops.push(() => back.stop());
  return back;
}

/** Our server in front of an application. */
export async function served(app: Application): Promise<string> {
  const server = await front(app, () => {});
  stops.push(() => server.stop());
  return `http://127.0.0.1:${server.port}`;
}

/** Time stands still, but for `vi.advanceTimersByTime`. */
export const fakeClock = (): void => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });

/** A whole response. */
export const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody";
/** Of a response without a length, but for the end of it. */
export const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
