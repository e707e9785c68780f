import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Application } from "@gateway/core";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { scgiPacket } from "./client.ts";
import { makeServer } from "./index.ts";

/** Answers with what it has read, and with what it was told of that. */
const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`${environ.CONTENT_LENGTH ?? "none"} ${Buffer.from(body).toString()}`)];
};

/** What is answered to these bytes, and with what they were refused. */
async function answered(bytes: string): Promise<{ answer: string; refused: number[] }> {
  const refused: number[] = [];
  await using server = makeServer("127.0.0.1", 0, validator(echo), {
    onRefused: ({ code }) => refused.push(code),
    shutdownSeconds: 0,
  });
  const address = await server.listen();
  void server.serveForever();
  const socket = connect({ port: address.kind === "tcp" ? address.port : 0, host: "127.0.0.1" });
  socket.write(bytes, "latin1");
  return { answer: await text(socket), refused };
}

/** Variables as they are, which scgiPacket would put in order. */
function raw(...variables: string[]): string {
  const block = variables.map((string) => `${string}\0`).join("");
  return `${block.length}:${block},`;
}

describe("CONTENT_LENGTH of SCGI", () => {
  it("that comes twice counts the last time, for the body and for the application", async () => {
    const twice = raw("CONTENT_LENGTH", "9", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5");
    expect((await answered(`${twice}helloEVIL`)).answer).toMatch(/\r\n\r\n5 hello$/);
  });

  it.each(["-5", "+5", "5x", "0x5", " 5", "5,5", "5 5", "1e1", "\xb2", ""])(
    "%j is no length, and there is no body",
    async (length) => {
      const packet = raw("CONTENT_LENGTH", length, "REQUEST_METHOD", "POST");
      expect((await answered(`${packet}hello`)).answer).toMatch(/\r\n\r\nnone $/);
    },
  );

  it.each(["9007199254740993", "18446744073709551621", "9".repeat(300)])("%s is more than can be counted", async (length) => {
    const { answer, refused } = await answered(raw("CONTENT_LENGTH", length, "REQUEST_METHOD", "POST"));
    expect(answer).toContain("Status: 413 ");
    expect(refused).toEqual([413]);
  });

  it("may begin with zeros, and is what is said in digits", async () => {
    expect((await answered(`${raw("CONTENT_LENGTH", "005", "REQUEST_METHOD", "POST")}helloEVIL`)).answer).toMatch(/ hello$/);
  });
});

describe("the variables of SCGI", () => {
  it.each([
    ["no method", raw("CONTENT_LENGTH", "0")],
    ["a method that is none", raw("CONTENT_LENGTH", "0", "REQUEST_METHOD", "GET /")],
    ["a header with a line end", raw("CONTENT_LENGTH", "0", "REQUEST_METHOD", "GET", "HTTP_A", "b\r\nC: d")],
    ["a path without a slash", raw("CONTENT_LENGTH", "0", "REQUEST_METHOD", "GET", "PATH_INFO", "a")],
    ["a Host that is none", raw("CONTENT_LENGTH", "0", "REQUEST_METHOD", "GET", "HTTP_HOST", "a b")],
  ])("are refused with %s", async (_name, packet) => {
    const { answer, refused } = await answered(packet);
    expect(answer).toContain("Status: 400 ");
    expect(refused).toEqual([400]);
  });

  it("may be called anything", async () => {
    const names = ["__proto__", "constructor", "", "wsgi.input", "gateway.exchange", "HTTP___PROTO__", "\xff"];
    const strange = scgiPacket(["REQUEST_METHOD", "POST", "CONTENT_LENGTH", "2", ...names.flatMap((name) => [name, "x"])]);
    expect((await answered(`${strange.toString("latin1")}ok`)).answer).toMatch(/\r\n\r\n2 ok$/);
  });
});
