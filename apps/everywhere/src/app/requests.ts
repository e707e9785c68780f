import { subscribe } from "node:diagnostics_channel";
import { requestUri, type Application } from "@gateway/core";
import { json } from "./answers.ts";

let accepted = 0;
subscribe("net.server.socket", () => void accepted++);

/** The request: all keys of environ that are text, what WSGI adds, and the address that these together make. */
export const environ: Application = (environ, startResponse) => {
  const shown = Object.entries(environ).filter(([, value]) => typeof value === "string" || typeof value === "boolean");
  return json(startResponse, { ...Object.fromEntries(shown), address: requestUri(environ) });
};

/** Which process this is, and how many connections it has had: a front server that keeps them makes few. */
export const connections: Application = (_environ, startResponse) => json(startResponse, { process: process.pid, accepted });

/** The cookies that came, and two more. */
export const cookies: Application = (environ, startResponse) =>
  json(startResponse, { came: environ.HTTP_COOKIE ?? null }, [
    ["Set-Cookie", "one=1; Path=/; HttpOnly"],
    ["Set-Cookie", "two=a,b; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT"],
  ]);
