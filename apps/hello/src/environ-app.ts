import type { Application } from "@gateway/core";

/**
 * Shows what the server tells of the request, sorted, as `demo_app` of Python's wsgiref does. For looking at servers: it shows
 * every header of the request, cookies too, to whoever asks.
 */
const app: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  const lines = Object.entries(environ)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${key} = ${show(value)}\n`);
  return [Buffer.from(`Hello world!\n\n${lines.join("")}`)];
};
export default app;

/** Text and lists as JSON; what does something (streams, functions) by its kind. */
function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return "an object";
  return JSON.stringify(value) ?? "undefined";
}
