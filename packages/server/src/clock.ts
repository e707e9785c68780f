let second = 0;
let date = "";
let line = "";

/** The value of the `Date` header (RFC 9110 section 6.6.1), made once a second. */
export function httpDate(now: number = Date.now()): string {
  const current = Math.floor(now / 1000);
  if (current !== second) {
    second = current;
    date = new Date(now).toUTCString();
    line = `Date: ${date}\r\n`;
  }
  return date;
}

/** The whole header line. */
export function dateLine(): string {
  httpDate();
  return line;
}
