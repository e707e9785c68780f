import { encodePath, rawPath, type Environ } from "@gateway/core";
import { endToEndHeaders } from "./end-to-end.ts";

/** What is handed on besides the facts of the request. */
export interface VariableRules {
  /** Whether headers of proxies (`Forwarded`, `X-Forwarded-*`, `X-Real-IP`) are handed on. */
  readonly forwarded: "drop" | "keep";
  /** More variables, and others for those there are; `undefined` takes one out. Text, sent as UTF-8. */
  readonly variables: (environ: Environ) => Readonly<Record<string, string | undefined>>;
}

/** Handed on as they are, where they are there. */
const plain = ["SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "CONTENT_TYPE"] as const;
/** What a layer or a front server has found out about the client. */
const found = ["REMOTE_USER", "AUTH_TYPE"] as const;

/**
 * The variables of CGI for the request of an environ, names and values in turn (RFC 3875, section 4.1). Of variables that the gateway got from its
 * front server or its operating system none are handed on but these.
 *
 * @param length of the body in bytes; `undefined` for none.
 */
export function environVariables(environ: Environ, length: number | undefined, rules: VariableRules): string[] {
  const [script, path] = pathOctets(environ);
  const { QUERY_STRING } = environ;
  const variables = ["REQUEST_METHOD", environ.REQUEST_METHOD, "SCRIPT_NAME", script, "PATH_INFO", path];
  variables.push("QUERY_STRING", QUERY_STRING, "REQUEST_URI", targetOf(environ), "GATEWAY_INTERFACE", "CGI/1.1");
  variables.push("SERVER_SOFTWARE", "gateway", "REQUEST_SCHEME", environ["wsgi.url_scheme"]);
  if (environ["wsgi.url_scheme"] === "https") variables.push("HTTPS", "on");
  for (const name of plain) {
    const value = environ[name];
    if (value !== undefined) variables.push(name, value);
  }
  for (const name of found) {
    const value: unknown = Reflect.get(environ, name);
    if (typeof value === "string") variables.push(name, octetsOf(value));
  }
  if (length !== undefined) variables.push("CONTENT_LENGTH", `${length}`);
  variables.push(...endToEndHeaders(environ, rules.forwarded));
  return withMore(variables, rules.variables(environ));
}

function withMore(variables: string[], more: Readonly<Record<string, string | undefined>>): string[] {
  for (const [name, value] of Object.entries(more)) {
    for (let i = variables.length - 2; i >= 0; i -= 2) if (variables[i] === name) variables.splice(i, 2);
    if (value !== undefined) variables.push(name, octetsOf(value));
  }
  return variables;
}

/** As the client sent it; where a layer has changed the path, what that is now. */
function targetOf(environ: Environ): string {
  const path = rawPath(environ) ?? encodePath(environ.SCRIPT_NAME + environ.PATH_INFO);
  return environ.QUERY_STRING === "" ? path : `${path}?${environ.QUERY_STRING}`;
}

/** SCRIPT_NAME and PATH_INFO as octets, also those that are not UTF-8. */
function pathOctets(environ: Environ): [script: string, path: string] {
  const script = octetsOf(environ.SCRIPT_NAME);
  const raw = environ.PATH_INFO.includes("\u{FFFD}") ? rawPath(environ) : undefined;
  if (raw !== undefined) {
    const all = raw.replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
    if (all.startsWith(script)) return [script, all.slice(script.length)];
  }
  return [script, octetsOf(environ.PATH_INFO)];
}

/** Text as the octets of UTF-8, as latin-1. */
function octetsOf(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}
