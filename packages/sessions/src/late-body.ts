import { transformBody, whenReady, type HeaderList, type ResponseBody } from "@gateway/core";

/** What waits for the end of a body. */
export interface LateSave {
  /** `finish` answers at once. */
  readonly synchronous: boolean;
  /** The application has made its last chunk; called before the client can know that it was the last. */
  finish(): void | Promise<void>;
  /** The body is closed, whatever became of it. */
  close(): void | Promise<void>;
}

/**
 * A body whose end the client sees after `finish` is done. Where the length is known the client sees the end in the last chunk, so that one is held back; else
 * in what the gateway sends after it, and every chunk goes on as it comes.
 */
export function lateBody(body: ResponseBody, headers: HeaderList, late: LateSave): ResponseBody {
  const length = contentLength(headers);
  let seen = 0;
  let held: Uint8Array | undefined;
  return transformBody(body, {
    async: !late.synchronous,
    chunk(chunk) {
      seen += chunk.byteLength;
      if (held === undefined) {
        if (seen !== length) return [chunk];
        held = chunk;
        return undefined;
      }
      // More than was promised: whoever sends it will find that out.
      const last = held;
      held = undefined;
      return [last, chunk];
    },
    end: () => whenReady(late.finish(), () => (held === undefined ? undefined : [held])),
    close: () => late.close(),
  });
}

function contentLength(headers: HeaderList): number {
  for (const [name, value] of headers) {
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(value);
  }
  return -1;
}

/** Is it what `wsgi.file_wrapper` makes, which gateways send in a way of their own? No file changes a session. */
export function isFileBody(body: ResponseBody): boolean {
  return "file" in body && typeof body.file === "object" && body.file !== null && "read" in body.file;
}
