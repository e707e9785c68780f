import { getRequestListener } from "@hono/node-server";
import { listen } from "@gateway/testing/adapters";
import { errorsTo, gatewayCases, gatewayConformance, httpTransport, type Transport } from "@gateway/testing/conformance";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { fetchTransport } from "./test-transport.ts";
import { toFetch } from "./to-fetch.ts";

const parsed = "the URL of a Request is parsed, which resolves dot segments";
const star = "the URL of a Request has no form for it";
const lower = "the names in Headers are in lower case";

const lacks = { "keeps dot segments": parsed, "gives OPTIONS * as a star": star, "keeps the case of header names": lower };
const memory = fetchTransport("toFetch", lacks);

/** The handler inside a Hono app, on Hono's own node server. */
const inHono: Transport = httpTransport({
  name: "toFetch in Hono",
  lacks,
  listen(app, hooks) {
    const handler = toFetch(app, { errors: errorsTo((text) => hooks.errors(text)) });
    const hono = new Hono().all("*", (context) => handler(context.req.raw));
    const listener = getRequestListener(hono.fetch, { overrideGlobalObjects: false });
    return listen((request, response) => void listener(request, response));
  },
});

for (const transport of [memory, inHono]) gatewayConformance(transport, { describe, it });

describe("what a Request cannot carry", () => {
  it("is three cases of the table", () => {
    expect(Object.keys(lacks)).toHaveLength(3);
    expect(gatewayCases.length).toBeGreaterThan(180);
  });
});
