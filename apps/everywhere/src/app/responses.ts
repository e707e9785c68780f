import { statusLine, type Application, type Header } from "@gateway/core";
import { parameter } from "./answers.ts";
import { largeBytes, pattern } from "./pattern.ts";

/** `?code=410`: that status, with a body of text. */
export const status: Application = (environ, startResponse) => {
  const code = Number(parameter(environ, "code") ?? 200);
  startResponse(statusLine(code), [["Content-Type", "text/plain; charset=utf-8"]]);
  return [Buffer.from(`status ${code}\n`)];
};

/** `?code=307`: that redirect, to the application's own root. */
export const redirect: Application = (environ, startResponse) => {
  const headers: Header[] = [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Location", `${environ.SCRIPT_NAME}/over-there?x=1`],
  ];
  startResponse(statusLine(Number(parameter(environ, "code") ?? 200)), headers);
  return [Buffer.from("over there\n")];
};

/** 204. */
export const nothing: Application = (_environ, startResponse) => {
  startResponse("204 No Content", [["X-Marker", "nothing"]]);
  return [];
};

/** 304 to whoever has it, 200 to everybody else. */
export const notModified: Application = (environ, startResponse) => {
  if (environ.HTTP_IF_NONE_MATCH !== '"first"') {
    startResponse("200 OK", [
      ["Content-Type", "text/plain; charset=utf-8"],
      ["ETag", '"first"'],
    ]);
    return [Buffer.from("first\n")];
  }
  startResponse("304 Not Modified", [["ETag", '"first"']]);
  return [];
};

/** Headers that come twice, one in latin-1, and a reason of its own. */
export const repeated: Application = (_environ, startResponse) => {
  startResponse("200 Very Well", [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Link", "</one>; rel=preload"],
    ["Link", "</two>; rel=preload"],
    ["X-Latin", "caf\u00e9"],
  ]);
  return [Buffer.from("repeated\n")];
};

/** 5 MiB, with a length; `?length=no` without one. */
export const large: Application = (environ, startResponse) => {
  const headers: Header[] = [["Content-Type", "application/octet-stream"]];
  if (parameter(environ, "length") !== "no") headers.push(["Content-Length", String(largeBytes)]);
  startResponse("200 OK", headers);
  return slices();
};

async function* slices(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < largeBytes; at += 64 * 1024) yield pattern(at, at + 64 * 1024);
}

/** Uses `write()`, and returns the rest. */
export const written: Application = async (_environ, startResponse) => {
  const write = startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  await write(Buffer.from("written, "));
  return [Buffer.from("and returned\n")];
};
