import { text } from "node:stream/consumers";
import { eventually, turns } from "@gateway/testing/campaign";
import { describe, expect, it, vi } from "vitest";
import { ask, canned, end, get, ok } from "./test-client.ts";
import { rec } from "./test-records.ts";

describe("a FastCGI client of a back end that breaks the protocol", () => {
  it.each([
    ["an application that broke off", rec(6, 1, ok) + end(1, 1), "TRUNCATED"],
    ["a body shorter than its length", rec(6, 1, ok.replace("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n")) + end(1), "TRUNCATED"],
    ["a body longer than its length", rec(6, 1, ok.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n")) + end(1), "MALFORMED"],
    ["an end before the end of the head", rec(6, 1, "Status: 200 OK\r\n") + end(1), "TRUNCATED"],
    ["no head at all", end(1), "TRUNCATED"],
    ["a status line", rec(6, 1, "HTTP/1.1 200 OK\r\n\r\n") + end(1), "MALFORMED"],
    ["a header that goes on in the next line", rec(6, 1, "Status: 200 OK\r\nX-A: b\r\n c\r\n\r\n") + end(1), "MALFORMED"],
    ["a server with too much to do", end(1, 0, 2), "OVERLOADED"],
    ["a server that cannot multiplex", end(1, 0, 1), "REFUSED"],
    ["a server of another role", end(1, 0, 3), "REFUSED"],
    ["an END_REQUEST that is too short", rec(6, 1, ok) + rec(3, 1, "\0"), "MALFORMED"],
    ["records of another version", "HTTP/1.1 400 Bad Request\r\n\r\n", "MALFORMED"],
  ])("fails for %s", async (_name, bytes, code) => {
    const { client } = await canned((socket) => socket.write(bytes, "latin1"));
    await expect(ask(client)).rejects.toMatchObject({ name: "ClientError", code });
  });

  it("fails for a connection that ends in the middle, and never takes it for the end", async () => {
    for (const bytes of [rec(6, 1, ok), rec(6, 1, ok) + rec(6, 1), rec(6, 1, ok) + end(1).slice(0, 10)]) {
      const { client } = await canned((socket) => socket.end(bytes, "latin1"));
      const response = await client.request(get());
      await expect(text(response.body)).rejects.toMatchObject({ code: "TRUNCATED" });
    }
    const silent = await canned((socket) => socket.end());
    await expect(ask(silent.client)).rejects.toMatchObject({ code: "TRUNCATED" });
    const reset = await canned((socket) => socket.resetAndDestroy());
    await expect(ask(reset.client)).rejects.toMatchObject({ code: "TRUNCATED" });
  });

  it("ignores records of requests that it did not send, and of no request", async () => {
    const strange = [
      rec(6, 0, "Status: 500 No\r\n\r\n"),
      rec(6, 2, "Status: 500 No\r\n\r\n"),
      rec(6, 65_535, "x", 255),
      rec(10, 0),
      rec(11, 0, "12345678"),
      rec(1, 1),
    ];
    const { client } = await canned((socket) => socket.write(strange.join("") + end(9) + rec(6, 1, ok, 255) + end(1), "latin1"));
    expect(await ask(client)).toBe("body");
  });

  it.each([
    ["a second answer", rec(6, 1, ok.replace("body", "evil")) + rec(6, 1) + end(1)],
    ["the end of a request once more", end(1)],
    ["an answer to a request that was not sent", rec(6, 7, ok)],
  ])("sends nothing more over a connection on which %s has come", async (_name, more) => {
    const { client, sockets } = await canned((socket) => socket.write(rec(6, 1, ok) + end(1) + more, "latin1"));
    expect(await ask(client)).toBe("body");
    await eventually(() => sockets[0]?.closed === true);
    expect(await ask(client)).toBe("body");
    expect(sockets).toHaveLength(2);
  });

  it("holds little of a response in records of one octet, and gives all of it", async () => {
    const length = 30_000;
    const body = Array.from({ length }, (_, i) => rec(6, 1, String(i % 10))).join("");
    const { client } = await canned((socket) => socket.write(rec(6, 1, "Status: 200 OK\r\n\r\n") + body + end(1), "latin1"));
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await client.request(get())).body) {
      chunks.push(chunk);
      await turns();
    }
    expect(Buffer.concat(chunks).toString()).toBe(Array.from({ length }, (_, i) => i % 10).join(""));
    expect(chunks.length).toBeLessThan(100);
  });

  it("takes STDERR that does not end for no answer", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    let bytes = 0;
    const onErrors = (line: string): void => void (bytes += line.length);
    const { client, sockets } = await canned((socket) => void socket.write(rec(7, 1, "x".repeat(60_000)), "latin1"), {
      onErrors,
      answerSeconds: 3,
    });
    const response = client.request(get());
    response.catch(() => {});
    for (let second = 1; second <= 5; second++) {
      await eventually(() => bytes >= second * 60_000 || sockets[0]?.closed === true);
      vi.advanceTimersByTime(1000);
      sockets[0]?.write(rec(7, 1, "x".repeat(60_000)), "latin1");
    }
    await expect(response).rejects.toMatchObject({ code: "TIME_LIMIT" });
  });
});
