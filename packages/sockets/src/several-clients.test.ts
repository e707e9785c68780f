import { describe, expect, it } from "vitest";
import { ClientError, type ClientErrorCode } from "./client-error.ts";
import type { GatewayResponse } from "./gateway-client.ts";
import { severalClients, type ClientOf } from "./several-clients.ts";

/** Clients that say by their names that they were asked, or fail with the code that they are given. */
function servers(...codes: (ClientErrorCode | undefined)[]): { asked: number[]; codes: typeof codes; clients: ClientOf<string>[] } {
  const asked: number[] = [];
  const clients = codes.map(
    (_code, i): ClientOf<string> => ({
      async request() {
        asked.push(i);
        const code = codes[i];
        if (code !== undefined) throw new ClientError(code, "on purpose");
        return { status: `200 ${i}` } as GatewayResponse;
      },
      close: () => void asked.push(-i),
    }),
  );
  return { asked, codes, clients };
}

describe("severalClients", () => {
  it("asks each in its turn", async () => {
    const { asked, clients } = servers(undefined, undefined, undefined);
    const client = severalClients(clients, { downSeconds: 10 });
    for (let i = 0; i < 4; i++) await client.request("");
    expect(asked).toEqual([0, 1, 2, 0]);
  });

  it("asks the next where one cannot be reached, and leaves that alone for a while", async () => {
    let now = 0;
    const { asked, codes, clients } = servers("CONNECT_FAILED", undefined);
    const client = severalClients(clients, { downSeconds: 10, now: () => now });
    for (let i = 0; i < 3; i++) expect((await client.request("")).status).toBe("200 1");
    expect(asked).toEqual([0, 1, 1, 1]);
    now = 10_000;
    codes[0] = undefined;
    await client.request("");
    expect((await client.request("")).status).toBe("200 0");
  });

  it("asks all where all are down, and fails as the last", async () => {
    const { asked, clients } = servers("CONNECT_FAILED", "CONNECT_TIME_LIMIT");
    const client = severalClients(clients, { downSeconds: 10 });
    await expect(client.request("")).rejects.toMatchObject({ code: "CONNECT_TIME_LIMIT" });
    await expect(client.request("")).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    expect(asked).toEqual([0, 1, 1, 0]);
  });

  it.each(["TRUNCATED", "TIME_LIMIT", "MALFORMED", "OVERLOADED"] as const)("asks nobody else after %s", async (code) => {
    const { asked, clients } = servers(code, undefined);
    await expect(severalClients(clients, { downSeconds: 10 }).request("")).rejects.toMatchObject({ code });
    expect(asked).toEqual([0]);
  });

  it("closes them all, and wants at least one", () => {
    const { asked, clients } = servers(undefined, undefined, undefined);
    severalClients(clients, { downSeconds: 10 }).close();
    expect(asked).toEqual([-0, -1, -2]);
    expect(() => severalClients([], { downSeconds: 10 })).toThrow("at least one");
  });
});
