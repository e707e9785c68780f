import { STATUS_CODES } from "node:http";

/** Methods that have a label of their own: those of RFC 9110 and PATCH, which is what OpenTelemetry knows. A client can send any other. */
export const methods: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "_OTHER",
];

const places = new Map(methods.map((method, place) => [method, place]));
const other = methods.length - 1;

/** The place of a method in {@link methods}. */
export function methodPlace(method: string): number {
  // Most are: a comparison costs less than a look into a map.
  return method === "GET" ? 0 : (places.get(method) ?? other);
}

/** By status: itself where it is registered, else the first of its class, which is what RFC 9110, section 15, makes of it. */
const known = Uint16Array.from({ length: 600 }, (_, status) =>
  STATUS_CODES[status] === undefined ? Math.floor(status / 100) * 100 : status,
);

/** The status of a label: of few values, whatever an application sends. @param line `"200 OK"`, or `""` where no head went out. */
export function statusLabel(line: string): number {
  if (line === "") return 0;
  return known[(line.charCodeAt(0) - 48) * 100 + (line.charCodeAt(1) - 48) * 10 + (line.charCodeAt(2) - 48)] ?? 0;
}
