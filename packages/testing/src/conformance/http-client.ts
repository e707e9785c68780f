import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ResponseReader } from "./response-reader.ts";
import type { ConformanceRequest, ConformanceResponse } from "./types.ts";

/**
 * Sends one request over a connection that nobody else uses, and reads the response to the end of the connection, strictly. Writes
 * target and headers as they are, which clients of the platform would not.
 *
 * @returns `undefined` when no head came before the connection ended.
 * @throws {HttpFormatError} for a response that is none.
 */
export async function exchangeOver(connection: Duplex, request: ConformanceRequest): Promise<ConformanceResponse | undefined> {
  const reader = new ResponseReader(request.method);
  const over = readAll(connection, reader, request);
  void writeAll(connection, request);
  try {
    await over;
  } finally {
    connection.destroy();
  }
  const { head } = reader;
  if (head === undefined) return undefined;
  return { status: head.status, headers: head.headers, body: reader.body(), truncated: reader.truncated };
}

/** Resolves when the connection has ended, or the client has left. */
function readAll(connection: Duplex, reader: ResponseReader, { leave, signal }: ConformanceRequest): Promise<void> {
  const most = leave === undefined ? Infinity : leave === "head" ? 0 : leave;
  return new Promise((resolve, reject) => {
    const finish = (clean: boolean): void => {
      reader.end(clean);
      resolve();
    };
    const leaves = (): void => {
      // With a reset, where there is one: a FIN could also be a client that has sent all it wanted and waits for the answer.
      if (connection instanceof Socket && connection.remotePort !== undefined && !("encrypted" in connection))
        connection.resetAndDestroy();
      finish(false);
    };
    connection.on("data", (bytes: Uint8Array) => {
      try {
        reader.push(bytes);
      } catch (error) {
        reject(error);
      }
      if (reader.head !== undefined && reader.bodyBytes >= most) leaves();
    });
    connection.once("end", () => finish(true));
    connection.once("close", () => finish(false));
    // A reset: `close` follows. Kept as a listener, since a late one would have no other.
    connection.on("error", () => {});
    if (signal.aborted) leaves();
    else signal.addEventListener("abort", leaves, { once: true });
  });
}

/** Writes the request, as far as the other side takes it: it may answer without having read all. */
async function writeAll(connection: Duplex, { method, target, headers, body }: ConformanceRequest): Promise<void> {
  const fields = [...headers];
  if (!fields.some(([name]) => name.toLowerCase() === "host")) fields.unshift(["Host", "localhost"]);
  if (body !== undefined) fields.push(body.chunked ? ["Transfer-Encoding", "chunked"] : ["Content-Length", `${body.length}`]);
  fields.push(["Connection", "close"]);
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await write(connection, Buffer.from(`${method} ${target} HTTP/1.1\r\n${head}\r\n`, "latin1"));
  if (body === undefined) return;
  for await (const chunk of body.chunks) {
    if (!connection.writable) return;
    if (chunk.byteLength === 0) continue;
    if (body.chunked)
      await write(connection, Buffer.concat([Buffer.from(`${chunk.byteLength.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]));
    else await write(connection, chunk);
  }
  if (body.chunked && connection.writable) await write(connection, Buffer.from("0\r\n\r\n"));
}

/** Resolves when it was taken, or never will be. */
function write(connection: Duplex, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    connection.write(bytes, () => resolve());
  });
}
