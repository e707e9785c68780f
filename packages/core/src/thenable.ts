/** Is it a promise, or something like one? */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/**
 * Hands a value on when it is there: at once, or when its promise has resolved. So a layer stays synchronous around a synchronous
 * application, and needs to be written only once.
 *
 * @returns what `next` returned, as a promise only if the value was one.
 */
export function whenReady<T, R>(value: T | PromiseLike<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value.then(next)) : next(value);
}
