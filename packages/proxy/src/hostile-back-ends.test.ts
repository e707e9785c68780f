import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { httpApp } from "./http-app.ts";
import { backEnd, head, ok } from "./test-http-app.ts";

describe("httpApp in front of a back end that breaks the protocol", () => {
  it.each([
    ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status beyond 599", "HTTP/1.1 600 No\r\n\r\n"],
    ["a bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
    ["one bare LF", `${head}X-A: 1\nX-B: 2\r\nContent-Length: 0\r\n\r\n`],
    ["a bare CR in a value", `${head}X-A: 1\rSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n`],
    ["a bare CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"],
    ["a NUL", `${head}X-A: 1\0\r\nContent-Length: 0\r\n\r\n`],
    ["a folded line", `${head}X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`],
    ["white space before the colon", `${head}X-A : 1\r\nContent-Length: 0\r\n\r\n`],
    ["a name that is no token", `${head}X(A): 1\r\nContent-Length: 0\r\n\r\n`],
    ["a line without a colon", `${head}X-A\r\nContent-Length: 0\r\n\r\n`],
    ["an empty name", `${head}: 1\r\nContent-Length: 0\r\n\r\n`],
    ["a length and a coding", `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["two lengths", `${head}Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody`],
    ["the same length twice", `${head}Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody`],
    ["a list of lengths", `${head}Content-Length: 4, 4\r\n\r\nbody`],
    ["a length with a sign", `${head}Content-Length: +4\r\n\r\nbody`],
    ["an empty length", `${head}Content-Length:\r\n\r\nbody`],
    ["a length beyond counting", `${head}Content-Length: 18446744073709551616\r\n\r\nbody`],
    ["another coding", `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["a coding twice", `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["a coding in HTTP/1.0", `${head.replace("1.1", "1.0")}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n\r\n"],
    ["informational responses without an end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100)],
    ["a head that is too long", `${head}X-A: ${"a".repeat(70_000)}\r\n\r\n`],
    ["a head without an end", `${head}X-A: ${"a".repeat(70_000)}`],
    ["too many headers", `${head}${"X-A: 1\r\n".repeat(300)}\r\n`],
    ["a name with a space in it", `${head}X A: 1\r\nContent-Length: 0\r\n\r\n`],
    ["a length with a space before the colon", `${head}Content-Length : 4\r\n\r\nbody`],
    ["a length with a tab before the colon", `${head}Content-Length\t: 4\r\n\r\nbody`],
    ["a coding with a space before the colon", `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ["a coding that is none", `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a coding of its own", `${head}Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nbody`],
    ["a coding with a parameter", `${head}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`],
    ["chunked twice in one header", `${head}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ["a coding behind a vertical tab", `${head}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ["a coding behind a no-break space", `${head}Transfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n`],
    ["an empty coding", `${head}Transfer-Encoding:\r\nContent-Length: 4\r\n\r\nbody`],
    ["a length in hexadecimal digits", `${head}Content-Length: 0x4\r\n\r\nbody`],
    ["a negative length", `${head}Content-Length: -1\r\n\r\nbody`],
    ["a length with a no-break space", `${head}Content-Length: 4\xa0\r\n\r\nbody`],
    ["a length and a coding in a hint", `HTTP/1.1 103 Hints\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n${head}\r\n`],
    ["a body behind a hint", `HTTP/1.1 103 Hints\r\nContent-Length: 4\r\n\r\nevil${head}Content-Length: 0\r\n\r\n`],
    ["an empty line before the status line", `\r\n${head}Content-Length: 0\r\n\r\n`],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n"],
    ["a tab before the reason", "HTTP/1.1 200\tOK\r\n\r\n"],
    ["small letters", "http/1.1 200 OK\r\n\r\n"],
    ["bytes of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"],
  ])("answers 502 to %s", async (_name, answer) => {
    const { url, errors } = await backEnd(answer);
    const response = await fetch(url);
    expect(response.status).toBe(502);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(await response.text()).toBe("The server behind this one gave an answer that is none.\n");
    expect(errors.join("")).toContain("ClientError");
  });

  it.each([
    ["nothing", ""],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-Le"],
    ["an informational response", "HTTP/1.1 100 Continue\r\n\r\n"],
  ])("answers 502 where the connection ends after %s", async (_name, answer) => {
    const { url } = await backEnd((socket) => socket.end(answer));
    expect((await fetch(url, { method: "POST" })).status).toBe(502);
    const reset = await backEnd((socket) => socket.write(answer, () => socket.resetAndDestroy()));
    expect((await fetch(reset.url, { method: "POST" })).status).toBe(502);
  });

  it("answers 502 where nobody listens", async () => {
    const { url, origin } = await backEnd(ok);
    expect((await fetch(url)).status).toBe(200);
    const app = httpApp({ origin: "unix:/nonexistent/socket" });
    expect((await client(validator(app)).get("/", { errors: "expected" })).status).toBe(502);
    expect(origin).toContain("127.0.0.1");
  });

  it.each([
    ["a length", `${head}Content-Length: 100\r\n\r\nbody`],
    ["a chunk", `${head}Transfer-Encoding: chunked\r\n\r\n64\r\nbody`],
    ["no last chunk", `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n`],
    ["no end of the trailers", `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-A: 1\r\n`],
  ])("breaks off visibly where the back end does: %s", async (_name, answer) => {
    const { url } = await backEnd((socket) => socket.end(answer));
    const response = await fetch(url);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("terminated");
  });

  it("breaks off visibly where a response that ends with the connection is reset", async () => {
    const { url } = await backEnd((socket) => socket.write(`${head}\r\nbody`, () => socket.resetAndDestroy()));
    const response = await fetch(url);
    if (response.status === 200) await expect(response.text()).rejects.toThrow("terminated");
    else expect(response.status).toBe(502);
  });

  it.each([
    ["a size that is none", "xyz\r\nbody\r\n0\r\n\r\n"],
    ["a size with a sign", "+4\r\nbody\r\n0\r\n\r\n"],
    ["a size with 0x", "0x4\r\nbody\r\n0\r\n\r\n"],
    ["a size beyond counting", "FFFFFFFFFFFFFFFF\r\nbody"],
    ["an empty size", "\r\nbody\r\n0\r\n\r\n"],
    ["a bare LF behind the size", "4\nbody\r\n0\r\n\r\n"],
    ["a bare CR in an extension", "4;a=\rb\r\nbody\r\n0\r\n\r\n"],
    ["more data than its size", "4\r\nbody!\r\n0\r\n\r\n"],
    ["data that ends with a bare LF", "4\r\nbody\n0\r\n\r\n"],
    ["a trailer that is none", "4\r\nbody\r\n0\r\nno trailer\r\n\r\n"],
    ["trailers without an end", `4\r\nbody\r\n0\r\n${"X-A: 1\r\n".repeat(20_000)}`],
    ["a line without an end", `4;${"a".repeat(10_000)}`],
    ["extensions without an end", "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nb\r\n".repeat(5000)],
  ])("breaks off visibly at a chunk with %s", async (_name, chunks) => {
    const { url } = await backEnd(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
    const response = await fetch(url);
    // Where no byte of the body was good, there is still time to say so.
    if (response.status !== 502) await expect(response.text()).rejects.toThrow("terminated");
    else expect(await response.text()).toBe("The server behind this one gave an answer that is none.\n");
  });

  it.each([
    ["a length", `${head}Content-Length: 100\r\n\r\nbody`],
    ["a chunk", `${head}Transfer-Encoding: chunked\r\n\r\n64\r\nbody`],
    ["no last chunk", `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n`],
  ])("breaks off visibly where the back end resets the connection in the middle of %s", async (_name, answer) => {
    const { url } = await backEnd((socket) => socket.write(answer, () => socket.resetAndDestroy()));
    const response = await fetch(url);
    // Where the reset has overtaken the bytes, there is still time to say so.
    if (response.status !== 502) await expect(response.text()).rejects.toThrow("terminated");
  });

  const evil = "HTTP/1.1 200 OK\r\nX-Smuggled: 1\r\nContent-Length: 4\r\n\r\nevil";

  it.each([
    ["HEAD", "HEAD", `${head}Content-Length: ${evil.length}\r\n\r\n${evil}`],
    ["HEAD, in chunks", "HEAD", `${head}Transfer-Encoding: chunked\r\n\r\n${evil.length.toString(16)}\r\n${evil}\r\n0\r\n\r\n`],
    ["GET with a 204", "GET", `HTTP/1.1 204 No Content\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`],
    ["GET with a 304", "GET", `HTTP/1.1 304 Not Modified\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`],
  ])("takes a body behind an answer to %s for nobody's", async (_name, method, answer) => {
    const { url, sockets } = await backEnd((socket, count) => socket.write(count === 0 ? answer : ok));
    const response = await fetch(url, { method });
    expect(await response.text()).toBe("");
    const next = await fetch(url);
    expect(next.headers.get("x-smuggled")).toBeNull();
    expect(await next.text()).toBe("body");
    expect(sockets).toHaveLength(2);
  });

  it("reads the length of a body also where Connection names it", async () => {
    const { url, sockets } = await backEnd(ok.replace("\r\n\r\n", "\r\nConnection: Content-Length, Transfer-Encoding\r\n\r\n"));
    for (let i = 0; i < 2; i++) expect(await (await fetch(url)).text()).toBe("body");
    expect(sockets).toHaveLength(1);
  });

  it("gives a body in chunks of one octet, whoever waits for it", async () => {
    const length = 20_000;
    const { url } = await backEnd(`${head}Transfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(length)}0\r\n\r\n`);
    expect(await (await fetch(url)).text()).toBe("x".repeat(length));
  });
});
