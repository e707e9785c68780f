import { describe, expect, it } from "vitest";
import { HttpFormatError, ResponseReader } from "./response-reader.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

function read(text: string, { method = "GET", end = true, clean = true, every = text.length } = {}): ResponseReader {
  const reader = new ResponseReader(method);
  for (let at = 0; at < text.length; at += every) reader.push(bytes(text.slice(at, at + every)));
  if (end) reader.end(clean);
  return reader;
}

const bodyOf = (reader: ResponseReader): string => Buffer.from(reader.body()).toString("latin1");

const sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  a b\t\r\n\r\nhello";
const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n";
const closed = "HTTP/1.1 200 OK\r\n\r\nhello";
const interim = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${sized}`;

describe("ResponseReader", () => {
  it.each([
    ["a sized body", sized],
    ["a chunked body", chunked],
    ["a body that the end of the connection delimits", closed],
    ["informational responses before it", interim],
  ])("reads %s, whatever the split of the bytes", (_what, text) => {
    for (let every = 1; every <= text.length; every++) {
      const reader = read(text, { every });
      expect(reader.head?.status).toBe("200 OK");
      expect(bodyOf(reader)).toBe("hello");
      expect(reader).toMatchObject({ done: true, truncated: false });
    }
  });

  it("trims header values, and keeps names as they came", () => {
    expect(read(sized).head?.headers).toEqual([
      ["Content-Length", "5"],
      ["X-A", "a b"],
    ]);
  });

  it("keeps informational responses and trailers", () => {
    expect(read(interim).interim.map(({ status, headers }) => [status, headers])).toEqual([
      ["100 Continue", []],
      ["103 Early Hints", [["Link", "</a>"]]],
    ]);
    expect(read(chunked).trailers).toEqual([["X-T", "1"]]);
  });

  it("knows when a response is complete", () => {
    expect(read(sized, { end: false }).done).toBe(true);
    expect(read(chunked, { end: false }).done).toBe(true);
    expect(read(closed, { end: false }).done).toBe(false);
  });

  it.each([
    ["in a sized body", sized.slice(0, -1)],
    ["before a sized body", sized.slice(0, -5)],
    ["in a chunk", chunked.slice(0, chunked.indexOf("lo"))],
    ["before the last chunk", chunked.slice(0, chunked.indexOf("0\r\nX"))],
    ["in the trailers", chunked.slice(0, -2)],
  ])("sees a truncation %s", (_where, text) => {
    expect(read(text)).toMatchObject({ done: true, truncated: true });
  });

  it("takes a reset for a truncation of what the end delimits", () => {
    expect(read(closed, { clean: false }).truncated).toBe(true);
  });

  it("finds no response in an empty or a half head", () => {
    for (const text of ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nX: 1\r\n", "HTTP/1.1 100 Continue\r\n\r\n"]) {
      expect(read(text).head).toBeUndefined();
    }
  });

  it.each([
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
    ["HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"],
    ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ])("expects no body of %s %j", (method, text) => {
    expect(read(text, { method, end: false })).toMatchObject({ done: true, truncated: false });
    expect(() => read(`${text}x`, { method })).toThrow(HttpFormatError);
  });

  it.each([
    ["HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "a line ends with CRLF alone"],
    ["HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "a line ends with CRLF alone"],
    ["HTTP/2 200 OK\r\n\r\n", "a status line"],
    ["HTTP/1.1 200\r\n\r\n", "a status line"],
    ["HTTP/1.1 99 Low\r\n\r\n", "a status line"],
    ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "nobody asked"],
    ["HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", "a header begins"],
    ["HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "a header begins"],
    ["HTTP/1.1 200 OK\r\n folded\r\n\r\n", "a header begins"],
    ["HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "control characters"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "Content-Length is digits, once"],
    ["HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "Content-Length is digits, once"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding and Content-Length"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding is chunked"],
    ["HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204 has no framing"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\n", "a chunk size"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhell\r\n", "a chunk ends"],
    [`${sized}x`, "bytes follow"],
    [`${chunked}x`, "bytes follow"],
    [`HTTP/1.1 200 ${"x".repeat(70_000)}`, "a line has more than"],
  ])("refuses %j", (text, rule) => {
    expect(() => read(text)).toThrow(rule);
  });
});
