import type { ApplicationLike, HeaderList } from "@gateway/core";
import {
  errorsTo,
  type ConformanceRequest,
  type ConformanceResponse,
  type RunningTransport,
  type Transport,
  type TransportHooks,
} from "@gateway/testing/conformance";
import { toFetch, type ToFetchOptions } from "./to-fetch.ts";

/** The table over `Request` and `Response`, with nothing between them. */
export function fetchTransport(
  name: string,
  lacks: Readonly<Record<string, string>>,
  wrap: (app: ApplicationLike, options: ToFetchOptions) => (request: Request) => Promise<Response> | Response = toFetch,
): Transport {
  return {
    name,
    lacks,
    async start(app: ApplicationLike, hooks: TransportHooks): Promise<RunningTransport> {
      const handler = wrap(app, { errors: errorsTo((text) => hooks.errors(text)) });
      return {
        send: (request) => send(handler, request),
        async stop() {},
      };
    },
  };
}

async function send(
  handler: (request: Request) => Promise<Response> | Response,
  request: ConformanceRequest,
): Promise<ConformanceResponse | undefined> {
  const leaving = new AbortController();
  const leave = (): void => leaving.abort(new Error("the client of the test left"));
  if (request.signal.aborted) leave();
  else request.signal.addEventListener("abort", leave, { once: true });
  const response = await handler(requestOf(request, leaving.signal));
  if (leaving.signal.aborted) return undefined;
  const list: HeaderList = [];
  response.headers.forEach((value, name) => list.push([name, value]));
  const { body, truncated } = await read(response, request);
  return { status: `${response.status} ${response.statusText}`, headers: list, body, truncated };
}

function requestOf({ method, target, headers, body }: ConformanceRequest, signal: AbortSignal): Request {
  const list = new Headers();
  for (const [name, value] of headers) list.append(name, value);
  if (!list.has("host")) list.append("host", "localhost");
  const init: RequestInit & { duplex?: "half" } = { method, headers: list, signal };
  if (body !== undefined) {
    init.body = streamOf(body.chunks, signal);
    init.duplex = "half";
    if (!body.chunked) list.append("content-length", `${body.length}`);
  }
  return new Request(target.startsWith("http:") ? target : `http://localhost${target}`, init);
}

/** A body that breaks off when the client leaves. */
function streamOf(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener("abort", () => controller.error(signal.reason), { once: true });
      },
      async pull(controller) {
        const step = await iterator.next();
        if (signal.aborted) return;
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
    },
    { highWaterMark: 0 },
  );
}

async function read(response: Response, { leave, method }: ConformanceRequest): Promise<{ body: Uint8Array; truncated: boolean }> {
  const most = leave === undefined ? Infinity : leave === "head" ? 0 : leave;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return { body: new Uint8Array(0), truncated: false };
  try {
    while (length < most) {
      const step = await reader.read();
      if (step.done) {
        const declared = response.headers.get("content-length");
        return { body: Buffer.concat(chunks), truncated: declared !== null && method !== "HEAD" && Number(declared) !== length };
      }
      chunks.push(step.value);
      length += step.value.byteLength;
    }
    await reader.cancel();
  } catch {
    // It broke off.
  }
  return { body: Buffer.concat(chunks), truncated: true };
}
