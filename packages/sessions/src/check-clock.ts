/** @throws {TypeError} if this is no clock; the message begins with whose setting it is. */
export function checkClock(whose: string, now: unknown): void {
  if (typeof now !== "function") throw new TypeError(`${whose}: now is a function that gives milliseconds since 1970`);
}
