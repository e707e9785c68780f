import { isToken } from "@gateway/core";
import { breach } from "./breach.ts";
import { Fact } from "./show.ts";

const required = [
  "REQUEST_METHOD",
  "SCRIPT_NAME",
  "PATH_INFO",
  "QUERY_STRING",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
  "wsgi.version",
  "wsgi.url_scheme",
  "wsgi.input",
  "wsgi.errors",
  "wsgi.multithread",
  "wsgi.multiprocess",
  "wsgi.run_once",
  "wsgi.input_terminated",
  "gateway.exchange",
];

// RFC 3986 section 3.2.2: an address in brackets, or a name; here as loose as that, because names come from settings of front servers.
const bracketed = String.raw`\[[\w.:%~-]+\]`;
const name = String.raw`[\w.~!$&'()*+,;=%-]+`;
const hostAndPort = new RegExp(`^(?:${bracketed}|${name})(?::[0-9]*)?$`);
const host = new RegExp(`^(?:${bracketed}|${name})$`);
const bareIPv6 = /^[0-9a-f.]*:[0-9a-f:.]*(?:%[\w.-]+)?$/i;

type Values = Readonly<Record<string, unknown>>;

/** Checks what the server gives with a request: rules G4 to G42 as far as they are about values. */
export function checkEnviron(environ: unknown): void {
  if (!isPlain(environ)) return breach("G4", environ);
  for (const key of required) if (environ[key] === undefined) breach("G5", new Fact(`none of the name ${key}`));
  for (const key of Object.keys(environ)) if (!key.includes(".")) checkString(key, environ[key]);
  checkRequestLine(environ);
  checkPaths(environ);
  checkServer(environ);
  checkConstants(environ);
  checkObjects(environ);
}

function isPlain(value: unknown): value is Values {
  if (typeof value !== "object" || value === null || !Object.isExtensible(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // By its place in the chain and not by identity: it may come from another realm.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every((property) => "value" in property);
}

function checkString(key: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "string") breach("G6", new Fact(`${key} of type ${value === null ? "null" : typeof value}`));
  else if (key === "HTTP_CONTENT_TYPE" || key === "HTTP_CONTENT_LENGTH") breach("G20", new Fact(key));
  else if (key === "HTTP_PROXY") breach("G21", value);
  else if (key.startsWith("HTTP_")) checkHeader(key, value);
  else if (key === "CONTENT_TYPE" && !isFieldValue(value)) breach("G23", value);
}

function checkHeader(key: string, value: string): void {
  if (!isToken(key) || /[a-z-]|^HTTP_$/.test(key)) breach("G22", key);
  else if (!isFieldValue(value)) breach("G23", value);
  else if (key === "HTTP_HOST" && value !== "" && !hostAndPort.test(value)) breach("G18", value);
}

/** Latin-1 without control characters but the tab. */
function isFieldValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function checkRequestLine(environ: Values): void {
  const { REQUEST_METHOD: method, QUERY_STRING: query, REQUEST_URI: target, CONTENT_LENGTH: length } = environ;
  if (typeof method === "string" && !isToken(method)) breach("G7", method);
  if (typeof query === "string" && !/^[\x21\x22\x24-\x7e\x80-\xff]*$/.test(query)) breach("G13", query);
  if (typeof target === "string" && !/^[\x21-\x7e\x80-\xff]+$/.test(target)) breach("G14", target);
  if (typeof length === "string" && !/^[0-9]+$/.test(length)) breach("G19", length);
}

function checkPaths(environ: Values): void {
  const { SCRIPT_NAME: script, PATH_INFO: path, REQUEST_METHOD: method } = environ;
  if (typeof script === "string") {
    if (script.includes("\0")) breach("G11", script);
    else if (script === "/" || (script !== "" && !script.startsWith("/"))) breach("G8", script);
  }
  if (typeof path === "string") {
    if (path.includes("\0")) breach("G11", path);
    else if (path !== "" && !path.startsWith("/") && !(path === "*" && method === "OPTIONS")) breach("G9", path);
  }
  if (script === "" && path === "") breach("G10", path);
}

function checkServer(environ: Values): void {
  const { SERVER_NAME: name, SERVER_PORT: port, SERVER_PROTOCOL: protocol } = environ;
  if (typeof name === "string" && !host.test(name) && !bareIPv6.test(name)) breach("G15", name);
  if (typeof port === "string" && !(/^[0-9]{1,5}$/.test(port) && Number(port) <= 65_535)) breach("G16", port);
  if (typeof protocol === "string" && !/^HTTP\/[0-9](?:\.[0-9])?$/.test(protocol)) breach("G17", protocol);
}

function checkConstants(environ: Values): void {
  const version = environ["wsgi.version"];
  const scheme = environ["wsgi.url_scheme"];
  const terminated = environ["wsgi.input_terminated"];
  if (version !== undefined && !(Array.isArray(version) && version.length === 2 && version[0] === 1 && version[1] === 0)) {
    breach("G25", version);
  }
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") breach("G26", scheme);
  if (terminated !== undefined && terminated !== true) breach("G28", terminated);
  for (const key of ["wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"]) {
    const flag = environ[key];
    if (flag !== undefined && typeof flag !== "boolean") breach("G27", flag);
  }
}

function checkObjects(environ: Values): void {
  const input = environ["wsgi.input"];
  const errors = environ["wsgi.errors"];
  const exchange = environ["gateway.exchange"];
  const wrapper = environ["wsgi.file_wrapper"];
  if (input !== undefined && !hasMethods(input, ["read", "readline", "readlines", Symbol.asyncIterator])) breach("G29", input);
  if (errors !== undefined && !hasMethods(errors, ["write", "writelines", "flush"])) breach("G35", errors);
  // Whether signal is there, not what it is: reading it makes it. The exchange that the application gets looks then.
  if (exchange !== undefined && !(hasMethods(exchange, ["onEnd", "earlyHints"]) && "signal" in exchange)) breach("G37", exchange);
  if (wrapper !== undefined && typeof wrapper !== "function") breach("G42", wrapper);
}

function hasMethods(value: unknown, names: readonly (string | symbol)[]): value is object {
  return typeof value === "object" && value !== null && names.every((name) => typeof Reflect.get(value, name) === "function");
}
