import type { Environ, HeaderList } from "@gateway/core";
import { buildEnviron } from "@gateway/testing";

/** The environ of a request with that body, which arrives in pieces of so many bytes. */
export function posted(type: string | undefined, body: string | Uint8Array, every = 65_536, more: HeaderList = []): Environ {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  let at = 0;
  const headers: HeaderList = [...more];
  if (type !== undefined) headers.push(["Content-Type", type]);
  return buildEnviron({
    method: "POST",
    headers,
    source: {
      pull() {
        if (at >= bytes.byteLength) return undefined;
        const chunk = bytes.subarray(at, at + every);
        at += every;
        return chunk;
      },
    },
  });
}

/** A multipart body: parts with their head lines and contents. */
export function multipartBody(parts: readonly (readonly [head: string, content: string])[], boundary = "b"): string {
  return `${parts.map(([head, content]) => `--${boundary}\r\n${head}\r\n\r\n${content}\r\n`).join("")}--${boundary}--\r\n`;
}

export const multipartType = "multipart/form-data; boundary=b";

/** The head of a part. */
export function head(name: string, more = ""): string {
  return `Content-Disposition: form-data; name="${name}"${more}`;
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Status and message of what a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<readonly [status: number, message: string]> {
  const error = await rejection(promise);
  if (!(error instanceof Error)) return [0, "no error"];
  return ["status" in error ? Number(String(error.status).slice(0, 3)) : 500, error.message];
}
