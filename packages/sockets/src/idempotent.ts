const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Whether asking twice with this method is as good as once (RFC 9110, section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return idempotent.has(method);
}
