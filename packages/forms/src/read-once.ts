import type { Environ } from "@gateway/core";

/** What was read of the body of a request: it can be read once. */
export interface ReadBody {
  /** The function that read it. */
  readonly by: string;
  /** What that function gave. */
  readonly result: unknown;
}

/** What the functions of this package leave in environ. */
export interface FormsEnviron {
  "gateway.forms"?: ReadBody | undefined;
}

/**
 * Reads a body, or gives what was read before by the same function: two layers may ask for the same form. In environ and not with the
 * input, because layers wrap that.
 *
 * @throws {Error} when another function has read it.
 */
export function readOnce<T>(environ: Environ & FormsEnviron, by: string, read: () => Promise<T>): Promise<T> {
  const earlier = environ["gateway.forms"];
  if (earlier !== undefined) {
    if (earlier.by === by) return earlier.result as Promise<T>;
    return Promise.reject(new Error(`${by}: the request body was read already, by ${earlier.by}`));
  }
  const result = read();
  environ["gateway.forms"] = { by, result };
  return result;
}

/** Marks the body as being read by a function that gives no promise. @throws {Error} when it was read already. */
export function markRead(environ: Environ & FormsEnviron, by: string): void {
  const earlier = environ["gateway.forms"];
  if (earlier !== undefined) throw new Error(`${by}: the request body was read already, by ${earlier.by}`);
  environ["gateway.forms"] = { by, result: undefined };
}
