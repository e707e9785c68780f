import type { Application, Environ, Header, HeaderList, ResponseBody } from "@gateway/core";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of a text. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of bytes. */
export function textOf(chunk: Uint8Array): string {
  return decoder.decode(chunk);
}

/** A header list for plain text, fresh each time. */
export function plain(...more: Header[]): HeaderList {
  return [["Content-Type", "text/plain; charset=utf-8"], ...more];
}

/** An application that answers 200 with this text. */
export function answers(text: string, ...more: Header[]): Application {
  return (_environ, startResponse) => {
    startResponse("200 OK", plain(...more));
    return [bytes(text)];
  };
}

/** An application that answers with what it picks of its environ, one `name=value in JSON` a line. */
export function shows(pick: (environ: Environ) => Record<string, unknown>): () => Application {
  return () => (environ, startResponse) => {
    startResponse("200 OK", plain());
    return [bytes(lines(pick(environ)))];
  };
}

/** How {@link shows} writes it. */
export function lines(values: Record<string, unknown>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${JSON.stringify(value) ?? "undefined"}\n`)
    .join("");
}

/** A body with a `close`. */
export function closing(body: Iterable<Uint8Array>, close: () => void | Promise<void>): ResponseBody {
  return { [Symbol.iterator]: () => body[Symbol.iterator](), close };
}

/** An array with a `close`: still a body of known length. */
export function closingArray(chunks: Uint8Array[], close: () => void | Promise<void>): ResponseBody {
  return Object.assign(chunks, { close });
}

/** Bytes that differ from place to place, so that a mix-up shows. */
export function pattern(length: number): Uint8Array {
  const all = new Uint8Array(length);
  for (let i = 0; i < length; i++) all[i] = (i * 31 + (i >> 8)) & 0xff;
  return all;
}

/** A short name for much data. */
export function checksum(data: Uint8Array): string {
  let sum = 0;
  for (const byte of data) sum = (sum * 33 + byte) >>> 0;
  return `${data.length} bytes, sum ${sum}`;
}

/** Reads the code of an abort reason. */
export function abortCode(reason: unknown): string {
  return typeof reason === "object" && reason !== null && "code" in reason ? String(reason.code) : String(reason);
}

/** Waits until the client has left. */
export function departure(environ: Environ): Promise<string> {
  const { signal } = environ["gateway.exchange"];
  return new Promise((resolve) => {
    const leave = (): void => resolve(abortCode(signal.reason));
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
}
