/** Writes a moment, given in milliseconds since 1970. */
export type TimeFormat = (milliseconds: number) => string;

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

const pad = (value: number, length = 2, fill = "0"): string => `${value}`.padStart(length, fill);
const dayName = (date: Date): string => days[date.getDay()] ?? "";
const monthName = (date: Date): string => months[date.getMonth()] ?? "";

/** `+0100`: what is to be added to UTC. */
function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
}

function dayOfYear(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000);
}

/** The conversions of POSIX' strftime that do not depend on a locale; names are English, as in Apache's own format. */
const conversions: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => dayName(date).slice(0, 3),
  A: dayName,
  b: (date) => monthName(date).slice(0, 3),
  B: monthName,
  d: (date) => pad(date.getDate()),
  D: (date) => `${pad(date.getMonth() + 1)}/${pad(date.getDate())}/${pad(date.getFullYear() % 100)}`,
  e: (date) => pad(date.getDate(), 2, " "),
  F: (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
  H: (date) => pad(date.getHours()),
  I: (date) => pad(date.getHours() % 12 === 0 ? 12 : date.getHours() % 12),
  j: (date) => pad(dayOfYear(date), 3),
  m: (date) => pad(date.getMonth() + 1),
  M: (date) => pad(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  R: (date) => `${pad(date.getHours())}:${pad(date.getMinutes())}`,
  s: (date) => `${Math.floor(date.getTime() / 1000)}`,
  S: (date) => pad(date.getSeconds()),
  T: (date) => `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`,
  u: (date) => `${date.getDay() === 0 ? 7 : date.getDay()}`,
  w: (date) => `${date.getDay()}`,
  y: (date) => pad(date.getFullYear() % 100),
  Y: (date) => `${date.getFullYear()}`,
  z: zone,
  "%": () => "%",
};

/** Apache's own, instead of a strftime format. */
const parts: Readonly<Record<string, TimeFormat>> = {
  sec: (milliseconds) => `${Math.floor(milliseconds / 1000)}`,
  msec: (milliseconds) => `${Math.floor(milliseconds)}`,
  usec: (milliseconds) => `${Math.floor(milliseconds * 1000)}`,
  msec_frac: (milliseconds) => pad(Math.floor(milliseconds % 1000), 3),
  usec_frac: (milliseconds) => pad(Math.floor((milliseconds % 1000) * 1000), 6),
};

/**
 * Makes a time format of what stands in `%{...}t`: `sec`, `msec`, `usec`, `msec_frac`, `usec_frac`, or a format of strftime. The latter are
 * in local time, like Apache's and gunicorn's, and made once a second.
 *
 * @throws {TypeError} for a conversion that is not known.
 */
export function timeFormat(format: string): TimeFormat {
  if (Object.hasOwn(parts, format)) return parts[format] as TimeFormat;
  const pieces: (string | ((date: Date) => string))[] = [];
  for (const [piece] of format.matchAll(/%[^]?|[^%]+/g)) {
    if (!piece.startsWith("%")) {
      pieces.push(piece);
      continue;
    }
    const conversion = piece.slice(1);
    const write = Object.hasOwn(conversions, conversion) ? conversions[conversion] : undefined;
    if (write === undefined) {
      const known = Object.keys(conversions).map((name) => `%${name}`);
      throw new TypeError(`%{${format}}t: "${piece}" is not known; known are ${[...known, ...Object.keys(parts)].join(" ")}`);
    }
    pieces.push(write);
  }
  return oncePerSecond((date) => pieces.map((piece) => (typeof piece === "string" ? piece : piece(date))).join(""));
}

/** `[10/Oct/2000:13:55:36 -0700]`, in local time. */
export const commonLogTime: TimeFormat = timeFormat("[%d/%b/%Y:%T %z]");

const isoSecond = oncePerSecond((date) => date.toISOString().slice(0, -4));

/** `2000-10-10T20:55:36.123Z` (RFC 3339), in UTC. */
export function isoTime(milliseconds: number): string {
  return `${isoSecond(milliseconds)}${threeDigits(Math.floor(milliseconds % 1000))}Z`;
}

const digits = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(3, "0"));

/** A whole number from 0 to 999, with zeros before it. */
export function threeDigits(value: number): string {
  return digits[value] ?? "";
}

/** Keeps what was made for the last seconds: more than one, because slow requests end between fast ones. */
function oncePerSecond(write: (date: Date) => string): TimeFormat {
  const slots = 64;
  const seconds: number[] = Array.from({ length: slots }, () => -1);
  const texts: string[] = Array.from({ length: slots }, () => "");
  return (milliseconds) => {
    const second = Math.floor(milliseconds / 1000);
    const slot = second % slots;
    if (seconds[slot] !== second) {
      seconds[slot] = second;
      texts[slot] = write(new Date(second * 1000));
    }
    return texts[slot] ?? "";
  };
}
