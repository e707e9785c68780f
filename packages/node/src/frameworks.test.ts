import { clientOf, comparedRequests, listen, withoutFraming } from "@gateway/testing/adapters";
import type { RunningTransport } from "@gateway/testing/conformance";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromNode } from "./from-node.ts";
import { frameworks } from "./test-frameworks.ts";
import { servers } from "./test-servers.ts";

describe.each(servers)("fromNode on $name", ({ serve, lacks }) => {
  const requests = comparedRequests().filter(({ name }) => !Object.hasOwn(lacks, name));
  describe.each(frameworks)("of $name", ({ make: makeBoth }) => {
    let own: RunningTransport;
    let ours: RunningTransport;
    beforeAll(async () => {
      const { own: listener, given } = await makeBoth();
      own = await clientOf(await listen((request, response) => void listener(request, response)));
      ours = await serve(fromNode(given));
    });
    afterAll(async () => {
      await own.stop();
      await ours.stop();
    });

    it.each(requests)("answers as on its own server: $name", async ({ make }) => {
      const [expected, got] = await Promise.all([own.send(make()), ours.send(make())]);
      expect(withoutFraming(got)).toEqual(withoutFraming(expected));
    });
  });
});

describe("what a server keeps from fromNode", () => {
  it("is one of the requests, behind a front server", () => {
    const names = comparedRequests().map(({ name }) => name);
    const lacking = servers.flatMap(({ lacks }) => Object.keys(lacks));
    expect(lacking).toHaveLength(1);
    expect(names).toEqual(expect.arrayContaining(lacking));
  });
});
