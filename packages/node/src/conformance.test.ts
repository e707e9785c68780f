import { errorsTo, gatewayConformance, type Transport } from "@gateway/testing/conformance";
import { describe, expect, it } from "vitest";
import { fromNode } from "./from-node.ts";
import { insideConnect, insideExpress, insideFastify, insideHono, insideKoa } from "./test-hosts.ts";
import { hostTransport } from "./test-transport.ts";
import { toNode } from "./to-node.ts";

const star = "gives OPTIONS * as a star";

/** Each with how many cases its host keeps from it. */
const transports: readonly (readonly [number, Transport])[] = [
  [0, hostTransport("toNode on node:http", {}, (handler) => handler)],
  [0, hostTransport("toNode in Express 5", {}, insideExpress)],
  [1, hostTransport("toNode in Connect", { [star]: "it looks for a path, and answers 404" }, insideConnect)],
  [0, hostTransport("toNode in Koa", {}, insideKoa)],
  [
    1,
    hostTransport(
      "toNode in Fastify",
      { "puts U+FFFD for octets that are not UTF-8": "its router refuses such a path with 400" },
      insideFastify,
    ),
  ],
  [1, hostTransport("toNode in Hono", { [star]: "it makes a URL of the target, and answers 400" }, insideHono)],
  // Through both, and out again: the application, as a listener, as an application, as a listener.
  [
    1,
    hostTransport(
      "toNode of fromNode of toNode",
      { "supplies no length for a stream": "a body that ends in the turn of the loop that it began in is whole" },
      (handler) => toNode(fromNode(handler), { errors: errorsTo(() => {}) }),
    ),
  ],
];
for (const [, transport] of transports) gatewayConformance(transport, { describe, it });

describe("what a host keeps from the application", () => {
  it.each(transports)("is %i cases", (count, transport) => {
    expect(Object.keys(transport.lacks ?? {})).toHaveLength(count);
  });
});
