import { ExchangeAborted, isHTTPError, toApplication, type Application, type ApplicationLike, type Environ } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";
import { buildEnviron } from "../environ.ts";
import { MemoryExchange } from "../memory-exchange.ts";
import type { ConformanceRequest, ConformanceResponse, RunningTransport, Transport, TransportHooks } from "./types.ts";

/** The shortest way there is: core's `run`, with the client's environ and a sink in memory. Shows what the table asks of core. */
export function memoryTransport(): Transport {
  return {
    name: "memory",
    async start(app: ApplicationLike, hooks: TransportHooks): Promise<RunningTransport> {
      const called = toApplication(app);
      return {
        send: (request) => send(called, request, hooks),
        async stop() {},
      };
    },
  };
}

async function send(
  app: Application,
  request: ConformanceRequest,
  hooks: TransportHooks,
): Promise<ConformanceResponse | undefined> {
  const left = new ExchangeAborted("CLIENT_GONE");
  const environ = environOf(request, left, hooks);
  if (environ === undefined) return { status: "400 Bad Request", headers: [], body: new Uint8Array(0), truncated: false };
  const exchange = new MemoryExchange(app, environ, true);
  const leave = (): void => exchange.leave(left);
  if (request.signal.aborted) leave();
  else request.signal.addEventListener("abort", leave, { once: true });

  await exchange.head;
  const { received } = exchange.sink;
  if (received === undefined) return undefined;
  const body = await read(exchange, request.leave, leave);
  const { status, headers } = received;
  return { status, headers, body, truncated: exchange.sink.state !== "ended" };
}

/** Reads the body, as far as the client wants it. */
async function read({ sink }: MemoryExchange, limit: "head" | number | undefined, leave: () => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const most = limit === undefined ? Infinity : limit === "head" ? 0 : limit;
  let length = 0;
  try {
    while (length < most) {
      const step = await sink.next();
      if (step.done === true) return Buffer.concat(chunks);
      chunks.push(step.value);
      length += step.value.byteLength;
    }
    leave();
  } catch {
    // It broke off: the state of the sink says so.
  }
  return Buffer.concat(chunks);
}

/** `undefined` where a gateway answers 400 without calling the application. */
function environOf(request: ConformanceRequest, left: ExchangeAborted, hooks: TransportHooks): Environ | undefined {
  const { method, target, body, signal } = request;
  const headers = [...request.headers];
  if (body !== undefined) headers.push(body.chunked ? ["Transfer-Encoding", "chunked"] : ["Content-Length", `${body.length}`]);
  try {
    const source = body === undefined ? undefined : sourceOf(body.chunks, signal, left);
    return buildEnviron({ method, target, headers, source, errors: (text) => hooks.errors(text) });
  } catch (error) {
    if (isHTTPError(error)) return undefined;
    throw error;
  }
}

/** The body of a client that may leave while it sends. */
function sourceOf(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal, left: ExchangeAborted): ChunkSource {
  const iterator = chunks[Symbol.asyncIterator]();
  const cut = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(left), { once: true });
  });
  // It may have been read to its end by then.
  cut.catch(() => {});
  return {
    async pull() {
      const step = await Promise.race([iterator.next(), cut]);
      return step.done === true ? undefined : step.value;
    },
  };
}
