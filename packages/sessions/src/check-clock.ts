/** @throws {TypeError} if this is no clock; the message begins with the name of the store. */
export function checkClock(store: string, now: unknown): void {
  if (typeof now !== "function") throw new TypeError(`${store}: now is a function that gives milliseconds since 1970`);
}
