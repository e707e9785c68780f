import { compose, type Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { rateLimit } from "./rate-limit.ts";
import { redisStore } from "./redis-store.ts";

/** What a process of a race is told. */
export interface RaceQuestion {
  readonly path: string;
  readonly library: "redis" | "ioredis";
  readonly limit: number;
  readonly windowSeconds: number;
  /** How many requests are under way at a time. */
  readonly width: number;
  /** Ends after so many requests, allowed or not. */
  readonly requests: number;
  /** Ends when so many were allowed. */
  readonly allowed: number;
}

/** When each request that was allowed was sent, and when its answer came, in milliseconds since 1970. */
export type RaceAnswer = readonly (readonly [sentAt: number, answeredAt: number])[];

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
};

const time = (): number => performance.timeOrigin + performance.now();

async function race({ path, library, limit, windowSeconds, width, requests, allowed }: RaceQuestion): Promise<RaceAnswer> {
  const redis = library === "redis" ? createClient({ socket: { path, tls: false } }) : new Redis({ path });
  if (!(redis instanceof Redis)) await redis.connect();
  const http = client(
    compose(rateLimit({ limit, windowSeconds, store: redisStore({ client: redis }), whenStoreFails: "refuse" }))(hello),
  );
  const passed: [number, number][] = [];
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < requests && passed.length < allowed) {
      sent++;
      const sentAt = time();
      const { status } = await http.get("/");
      if (status === 200) passed.push([sentAt, time()]);
      else if (status !== 429) throw new Error(`a request was answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (redis instanceof Redis) redis.disconnect();
  else redis.destroy();
  return passed;
}

process.on("message", (question: RaceQuestion) => {
  void race(question).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
