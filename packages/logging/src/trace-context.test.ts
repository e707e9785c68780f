import type { Application, Environ } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { traceContext, type TraceContext, type TraceContextOptions, type TraceEnviron } from "./trace-context.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

async function trace(options?: TraceContextOptions, headers: Record<string, string> = {}): Promise<TraceContext> {
  let seen: TraceContext | undefined;
  const app: Application<Environ & TraceEnviron> = (environ, startResponse) => {
    seen = environ["gateway.trace"];
    startResponse("204 No Content", []);
    return [];
  };
  await client(validator(traceContext(options)(app))).get("/", { headers });
  if (seen === undefined) throw new Error("the application was not called");
  return seen;
}

describe("traceContext", () => {
  it("begins a trace for each request", async () => {
    const first = await trace();
    const second = await trace();
    expect(first.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(first.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(first).toEqual({
      ...first,
      parentId: undefined,
      flags: 3,
      state: "",
      traceparent: `00-${first.traceId}-${first.spanId}-03`,
    });
    expect(second.traceId).not.toBe(first.traceId);
    expect(second.spanId).not.toBe(first.spanId);
  });

  it("goes on with the trace of a client that it trusts, with a span of its own", async () => {
    const headers = { traceparent, tracestate: "congo=t61rcWkgMzE , rojo=1" };
    const given = await trace({ trust: true }, headers);
    expect(given).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: given.spanId,
      parentId: "b7ad6b7169203331",
      flags: 0,
      state: "congo=t61rcWkgMzE,rojo=1",
      traceparent: `00-0af7651916cd43dd8448eb211c80319c-${given.spanId}-00`,
    });
    expect(given.spanId).not.toBe(given.parentId);
  });

  it("takes over nothing from others, and nothing invalid", async () => {
    const headers = { traceparent, tracestate: "a=1" };
    for (const options of [{}, { trust: false }, { trust: () => false }]) {
      expect(await trace(options, headers)).toMatchObject({ parentId: undefined, state: "" });
    }
    const invalid = await trace(
      { trust: true },
      { traceparent: traceparent.toUpperCase().replace("00-0AF", "00-0AF"), tracestate: "a=1" },
    );
    expect(invalid).toMatchObject({ parentId: undefined, state: "" });
    expect(await trace({ trust: true }, { tracestate: "a=1" })).toMatchObject({ state: "" });
    expect(await trace({ trust: true }, { traceparent, tracestate: "a=1,a=2" })).toMatchObject({
      parentId: "b7ad6b7169203331",
      state: "",
    });
  });

  it("marks as many of its own as sampled as it is told", async () => {
    expect((await trace({ sampled: 0 })).flags).toBe(2);
    const random = vi.spyOn(Math, "random");
    random.mockReturnValue(0.2);
    expect((await trace({ sampled: 0.25 })).flags).toBe(3);
    random.mockReturnValue(0.25);
    expect((await trace({ sampled: 0.25 })).flags).toBe(2);
  });

  it("makes ids that are never the same", async () => {
    const ids = new Set<string>();
    const app = traceContext()((environ, startResponse) => {
      ids.add(environ["gateway.trace"].traceId).add(environ["gateway.trace"].spanId);
      startResponse("204 No Content", []);
      return [];
    });
    for (let i = 0; i < 5000; i++) await app({} as Environ, () => () => {});
    expect(ids.size).toBe(10_000);
  });

  it("refuses wrong options while wrapping", () => {
    expect(() => traceContext({ sampled: 2 })).toThrow(RangeError);
    expect(() => traceContext({ sampled: Number.NaN })).toThrow("sampled is a number from 0 to 1");
    expect(() => traceContext({ trust: 1 as unknown as boolean })).toThrow("trust is true, false or a function");
  });
});
