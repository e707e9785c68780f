import { clientOf, comparedRequests, listen, withoutFraming, type ComparedResponse } from "@gateway/testing/adapters";
import type { ConformanceResponse, RunningTransport } from "@gateway/testing/conformance";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromFetch } from "./from-fetch.ts";
import { useLightObjects } from "./light.ts";
import { frameworks } from "./test-frameworks.ts";
import { servers } from "./test-servers.ts";

/** The names of `Headers` have no case, and no order but that of equal ones. */
function seen(response: ConformanceResponse | undefined, isLoose: boolean): ComparedResponse | undefined {
  const found = withoutFraming(response);
  if (found === undefined) return undefined;
  const headers = found.headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), isLoose ? value.replace("; charset", ";charset") : value])
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { ...found, status: isLoose ? found.status.slice(0, 3) : found.status, headers };
}

describe.each(servers)("fromFetch on $name", ({ serve, lacks }) => {
  const requests = comparedRequests().filter(({ name }) => !Object.hasOwn(lacks, name));
  describe.each(frameworks)("of $name", ({ own: listener, given, isLoose = false }) => {
    let own: RunningTransport;
    let ours: RunningTransport;
    beforeAll(async () => {
      own = await clientOf(await listen(listener));
      ours = await serve(fromFetch(given));
    });
    afterAll(async () => {
      await own.stop();
      await ours.stop();
    });

    it.each(requests)("answers as on its own server: $name", async ({ make }) => {
      const [expected, got] = await Promise.all([own.send(make()), ours.send(make())]);
      expect(seen(got, isLoose)).toEqual(seen(expected, isLoose));
    });

    it.each(requests)("answers so with light objects: $name", async ({ make }) => {
      const expected = await own.send(make());
      const restore = useLightObjects();
      try {
        expect(seen(await ours.send(make()), isLoose)).toEqual(seen(expected, isLoose));
      } finally {
        restore();
      }
    });
  });
});
