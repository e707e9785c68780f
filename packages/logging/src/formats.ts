import type { AccessEntry } from "./access-entry.ts";

/** Formats that have a name. */
export type FormatName = "common" | "combined" | "timed" | "tiny" | "dev" | "json";

/** Makes a line of its own; `undefined` leaves it out. What it gives is made one line of printable ASCII. */
export type FormatFunction = (entry: AccessEntry) => string | undefined;

const common = '%h %l %u %t "%r" %>s %b';
const combined = `${common} "%{Referer}i" "%{User-Agent}i"`;

/** The named formats that are strings. */
export const formats: Readonly<Record<Exclude<FormatName, "dev" | "json">, string>> = {
  common,
  combined,
  timed: `${combined} %{first_byte_ms}x %{total_ms}x %{outcome}x %{request_id}x`,
  tiny: "%m %{target}x %s %B - %{total_ms}x ms",
};
