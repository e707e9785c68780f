import type { ResponseBody } from "./contract.ts";
import { bytes, microtasks, plain } from "./test-sink.ts";
import { transformBody, type BodyTransform, type Chunks } from "./transform.ts";

/** Upper case, with what is held back behind a `(`, and all that was done to it. */
export class Loud implements BodyTransform {
  readonly calls: string[] = [];
  held = "";

  chunk(chunk: Uint8Array): Chunks | Promise<Chunks> {
    const text = Buffer.from(chunk).toString().toUpperCase();
    this.calls.push(text);
    if (this.held === "" && !text.startsWith("(")) return [bytes(text)];
    this.held += text;
    return undefined;
  }

  flush(): Chunks | Promise<Chunks> {
    this.calls.push("flush");
    return this.#release();
  }

  end(): Chunks | Promise<Chunks> {
    this.calls.push("end");
    return this.#release();
  }

  close(): void | Promise<void> {
    this.calls.push("close");
  }

  #release(): Chunks {
    const { held } = this;
    this.held = "";
    return held === "" ? undefined : [bytes(held)];
  }
}

export const sending =
  (body: ResponseBody, transform: BodyTransform) =>
  (_: unknown, startResponse: (status: string, headers: [string, string][]) => unknown): ResponseBody => {
    startResponse("200 OK", plain() as [string, string][]);
    return transformBody(body, transform);
  };

/** What comes out chunk by chunk. */
export async function chunks(body: ResponseBody): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of body) all.push(Buffer.from(chunk).toString());
  return all;
}

/** This turn of the event loop to its end, and what comes of that. */
export async function turn(): Promise<void> {
  await microtasks();
  await new Promise((resolve) => setImmediate(resolve));
  await microtasks();
}
