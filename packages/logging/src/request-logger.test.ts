import pino from "pino";
import { describe, expect, it } from "vitest";
import { requestLogger } from "./request-logger.ts";
import { hello, request, validated } from "./test-log.ts";

describe("requestLogger", () => {
  it("gives each request a logger whose lines have its ids", async () => {
    let written = "";
    const logger = pino({ base: null, timestamp: false }, { write: (text: string) => void (written += text) });
    const app = validated(requestLogger(logger), (environ, startResponse) => {
      (environ["gateway.logger"] as typeof logger).info("working");
      return hello(environ, startResponse);
    });
    await request(app, { environ: { "gateway.request_id": "one", "gateway.trace": { traceId: "t", spanId: "s" } } });
    await request(app);
    expect(written).toBe(
      '{"level":30,"gateway.request_id":"one","trace_id":"t","span_id":"s","msg":"working"}\n{"level":30,"msg":"working"}\n',
    );
  });

  it("refuses a logger without children", () => {
    expect(() => requestLogger({} as { child(): void })).toThrow("requestLogger takes a logger with child(bindings)");
  });
});
