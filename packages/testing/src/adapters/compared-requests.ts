import type { HeaderList } from "@gateway/core";
import type { ConformanceRequest } from "../conformance/types.ts";

/** One request of the comparison, as the table below has it. */
interface Compared {
  readonly name: string;
  readonly method?: string;
  readonly target: string;
  readonly headers?: HeaderList;
  readonly body?: string | Uint8Array;
  readonly chunked?: true;
}

const boundary = "----gateway";
const form = (...parts: string[]): string => `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join("")}--${boundary}--\r\n`;
const upload = form(
  'Content-Disposition: form-data; name="title"\r\n\r\nA caf\u{E9}',
  'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nsome text',
  `Content-Disposition: form-data; name="large"; filename="b.bin"\r\nContent-Type: application/octet-stream\r\n\r\n${"x".repeat(200_000)}`,
);
const type = (value: string): HeaderList => [["Content-Type", value]];
const octets = type("application/octet-stream");
const json = type("application/json");

const table: readonly Compared[] = [
  { name: "a page", target: "/" },
  { name: "a page with a query", target: "/?a=1&b=%20" },
  { name: "JSON", target: "/json" },
  { name: "a parameter", target: "/users/42?full=yes&full=no" },
  { name: "an encoded slash in a parameter", target: "/users/a%2Fb" },
  { name: "UTF-8 in a parameter", target: "/users/caf%C3%A9" },
  { name: "a wrong escape in a parameter", target: "/users/%zz".replace("%zz", "%E9") },
  { name: "the request itself", target: "/about?q=%C3%A9", headers: [["User-Agent", "test/1.0"]] },
  { name: "an absolute target", target: "http://localhost/about?q=1" },
  { name: "cookies out", target: "/cookies" },
  { name: "cookies in", target: "/cookies", headers: [["Cookie", "a=1; b=2"]] },
  {
    name: "cookies in twice",
    target: "/cookies",
    headers: [
      ["Cookie", "a=1"],
      ["Cookie", "b=2"],
    ],
  },
  { name: "a redirect", target: "/redirect" },
  { name: "a redirect for a program", target: "/redirect", headers: [["Accept", "application/json"]] },
  { name: "a permanent redirect", target: "/moved" },
  { name: "a stream", target: "/stream" },
  { name: "a megabyte", target: "/big" },
  { name: "several writes", target: "/write" },
  { name: "no content", target: "/empty" },
  { name: "a teapot", target: "/teapot" },
  { name: "a latin-1 header", target: "/latin" },
  { name: "an error", target: "/error" },
  { name: "a rejection", target: "/rejects" },
  { name: "an error after the head", target: "/broken" },
  { name: "a missing page", target: "/missing" },
  { name: "a missing page with markup", target: "/<b>".replace("<b>", "%3Cb%3E") },
  { name: "HEAD of a page", method: "HEAD", target: "/" },
  { name: "HEAD of JSON", method: "HEAD", target: "/json" },
  { name: "HEAD of a stream", method: "HEAD", target: "/stream" },
  { name: "HEAD of a missing page", method: "HEAD", target: "/missing" },
  { name: "OPTIONS", method: "OPTIONS", target: "/json" },
  { name: "a method without a route", method: "DELETE", target: "/json" },
  { name: "an entity tag", target: "/json", headers: [["If-None-Match", "*"]] },
  { name: "below a mount", target: "/mounted/inner?x=1" },
  { name: "at a mount", target: "/mounted" },
  { name: "a body", method: "POST", target: "/echo", headers: octets, body: "some bytes" },
  { name: "a chunked body", method: "POST", target: "/echo", headers: octets, body: "some bytes", chunked: true },
  { name: "an empty body", method: "POST", target: "/echo", headers: octets, body: "" },
  { name: "an empty chunked body", method: "POST", target: "/echo", headers: octets, body: "", chunked: true },
  { name: "a body of 300 kB", method: "POST", target: "/echo", headers: octets, body: new Uint8Array(300_000).fill(7) },
  { name: "no body", method: "POST", target: "/echo", headers: octets },
  { name: "JSON in", method: "POST", target: "/json", headers: json, body: '{"b":[1,"é"]}' },
  { name: "JSON in, chunked", method: "POST", target: "/json", headers: json, body: '{"b":2}', chunked: true },
  { name: "JSON in that is none", method: "POST", target: "/json", headers: json, body: "{nonsense" },
  { name: "JSON in that is too large", method: "POST", target: "/json", headers: json, body: JSON.stringify("x".repeat(4000)) },
  { name: "a form", method: "POST", target: "/form", headers: type("application/x-www-form-urlencoded"), body: "a=1&b=two+words" },
  {
    name: "an upload",
    method: "POST",
    target: "/upload",
    headers: type(`multipart/form-data; boundary=${boundary}`),
    body: upload,
  },
  {
    name: "an upload, chunked",
    method: "POST",
    target: "/upload",
    headers: type(`multipart/form-data; boundary=${boundary}`),
    body: upload,
    chunked: true,
  },
  {
    name: "an upload without an end",
    method: "POST",
    target: "/upload",
    headers: type(`multipart/form-data; boundary=${boundary}`),
    body: upload.slice(0, 300),
  },
];

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** One request of the comparison. */
export interface ComparedRequest {
  /** Unique. */
  readonly name: string;
  /** Makes it anew: a body can be sent once. */
  readonly make: () => ConformanceRequest;
}

/**
 * What applications of frameworks are asked on their own server and behind an adapter, to see that the answers are the same: pages, cookies,
 * redirects, errors, streams, forms and uploads.
 */
export function comparedRequests(): readonly ComparedRequest[] {
  return table.map(({ name, method = "GET", target, headers = [], body, chunked }) => ({
    name,
    make() {
      const bytes = body === undefined ? undefined : Buffer.from(body);
      return {
        method,
        target,
        headers,
        body: bytes === undefined ? undefined : { chunked: chunked === true, length: bytes.length, chunks: once(bytes) },
        signal: new AbortController().signal,
      };
    },
  }));
}
