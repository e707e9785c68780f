import type { Application, Environ } from "@gateway/core";
import { validator } from "@gateway/validate";
import { client, type Client } from "../client.ts";
import type { TestRunner } from "../conformance/types.ts";
import { layerCases } from "./table.ts";

/** What the requests of the cases are like, for layers that pass only some through untouched. */
export interface LayerRequest {
  /** Default `"GET"`. */
  readonly method?: string;
  /** Default `"/"`. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly environ?: Partial<Environ>;
}

/** A client of an application with the layer around it. */
export interface WrappedClient extends Required<Pick<LayerRequest, "method" | "target">> {
  /** @param errors `"expected"` where the application may write to `wsgi.errors`. */
  readonly client: (app: Application, errors?: "fail" | "expected") => Client;
}

/**
 * Runs {@link layerCases} for a layer that leaves a response as it is, or adds headers to it: arrays, streams, promises, late heads, `write()`, errors
 * before and after the head, HEAD, 204, 304, a client that leaves. A validator stands on both sides of the layer.
 *
 * @param wrap puts the layer around an application.
 * @param runner `describe` and `it` of vitest, jest, mocha or `node:test`.
 */
export function layerConformance(wrap: (app: Application) => Application, runner: TestRunner, request: LayerRequest = {}): void {
  const { method = "GET", target = "/", headers = {}, environ = {} } = request;
  const wrapped: WrappedClient = {
    method,
    target,
    client: (app, errors = "fail") => client(wrap(validator(app)), { headers, environ, errors }),
  };
  runner.describe("hands on", () => {
    for (const known of layerCases) runner.it(known.name, () => known.run(wrapped));
  });
}
