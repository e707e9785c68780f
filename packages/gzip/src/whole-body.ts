import { Coder } from "./coder.ts";
import { methodsOf, type Coding, type CodingSettings } from "./codings.ts";
import { padded } from "./padding.ts";

/** A buffered body that is to be coded. */
export interface WholeBody {
  readonly chunks: readonly Uint8Array[];
  /** Of all chunks. */
  readonly bytes: number;
  readonly coding: Coding;
  readonly level: number;
  readonly paddingBytes: number;
}

/** Is it short enough to be coded in this thread? The padding of br takes the streaming coder. */
export function canCodeNow(body: WholeBody, syncBytes: number): boolean {
  return body.bytes <= syncBytes && !(body.coding === "br" && body.paddingBytes > 0);
}

/** The coded body, at once. */
export function codeNow(body: WholeBody): Uint8Array[] {
  const coded = methodsOf(body.coding).encodeSync(joined(body), body);
  return padded(body.coding, coded, body.paddingBytes);
}

/** The coded body, made in the thread pool. */
export async function codeLater(body: WholeBody): Promise<Uint8Array[]> {
  if (body.coding === "br" && body.paddingBytes > 0) return codeAsStream(body);
  const coded = await new Promise<Buffer>((resolve, reject) => {
    const settings: CodingSettings = body;
    methodsOf(body.coding).encode(joined(body), settings, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
  return padded(body.coding, coded, body.paddingBytes);
}

async function codeAsStream(body: WholeBody): Promise<Uint8Array[]> {
  const coder = new Coder({ ...body, announcedBytes: -1 });
  try {
    const coded: Uint8Array[] = [];
    for (const chunk of body.chunks) coded.push(...((await coder.chunk(chunk)) ?? []));
    coded.push(...((await coder.end()) ?? []));
    return coded;
  } finally {
    coder.close();
  }
}

function joined({ chunks, bytes }: WholeBody): Uint8Array {
  const [first] = chunks;
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, bytes);
}
