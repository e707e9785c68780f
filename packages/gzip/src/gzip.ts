import {
  capture,
  isThenable,
  layer,
  send,
  transformBody,
  whenReady,
  type Application,
  type CapturedResponse,
  type Environ,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { addVary, codeHead } from "./coded-head.ts";
import { Coder } from "./coder.ts";
import type { Coding } from "./codings.ts";
import { applyChanges, conditionChanges } from "./conditions.ts";
import { codedTag } from "./entity-tags.ts";
import { gzipSettings, type GzipOptions } from "./gzip-options.ts";
import { headFacts, verdict, type HeadFacts } from "./head-facts.ts";
import { negotiation } from "./negotiate.ts";
import { byteLength, plan, type Plan, type Work } from "./plan.ts";
import { canCodeNow, codeLater, codeNow, type WholeBody } from "./whole-body.ts";

export type { GzipOptions } from "./gzip-options.ts";

/**
 * Codes what the application answers, in the content coding that the client likes best (RFC 9110, section 12.5.3): gzip, brotli, zstd
 * where the runtime has it, deflate. Says `Vary: Accept-Encoding` on every answer whose sort is coded for some client.
 *
 * Left as they are: answers that have a coding, say `no-transform`, have no content or a part of it (204, 205, 206, 304), are of a type that does
 * not become smaller, or shorter than the threshold. Streams are flushed when the source pauses: server-sent events arrive at once.
 * A strong `ETag` gets a suffix, which conditions may carry when they come back.
 *
 * @throws {TypeError | RangeError} while wrapping, for options that cannot be.
 */
export function gzip(options: GzipOptions = {}): Middleware {
  const settings = gzipSettings(options);
  const negotiate = negotiation(settings.codings);

  return layer((app) => (environ, startResponse) => {
    const choice = negotiate(environ.HTTP_ACCEPT_ENCODING);
    const changes = conditionChanges(environ, choice.coding);
    if (changes === undefined && choice.coding === undefined) {
      return app(environ, (status, headers, excInfo) => {
        const facts = headFacts(status, headers);
        if (verdict(facts, settings.compressible) !== "no") addVary(headers, facts);
        return startResponse(status, headers, excInfo);
      });
    }
    // Read before: the application sees other conditions meanwhile, and a layer may change the method.
    const { REQUEST_METHOD: method, HTTP_IF_NONE_MATCH: noneMatch } = environ;
    const isHead = method === "HEAD";
    const captured = changes === undefined ? capture(app, environ) : captureWith(app, environ, applyChanges(environ, changes));
    return whenReady(captured, (response) => {
      let decided: Plan;
      try {
        decided = plan(response, isHead, environ, choice, settings);
      } catch (error) {
        return thrown(response.body, error);
      }
      if (decided.verdict !== "no") addVary(response.headers, decided.facts);
      if (decided.work !== undefined) return respond(response, decided, decided.work, isHead, startResponse, settings.syncBytes);
      if (decided.facts.code === 304 && choice.coding !== undefined) {
        nameStored(response, decided.facts, choice.coding, noneMatch);
      }
      return send(response, startResponse);
    });
  });
}

/** Conditions count until the head is known: then, or when the client leaves, the layers outside see theirs again. */
function captureWith(app: Application, environ: Environ, undo: () => void): CapturedResponse | Promise<CapturedResponse> {
  environ["gateway.exchange"].signal.addEventListener("abort", undo, { once: true });
  let captured: CapturedResponse | Promise<CapturedResponse>;
  try {
    captured = capture(app, environ);
  } catch (error) {
    undo();
    throw error;
  }
  if (isThenable(captured)) return captured.finally(undo);
  undo();
  return captured;
}

function respond(
  { status, headers, body }: CapturedResponse,
  { facts }: Plan,
  work: Work,
  isHead: boolean,
  startResponse: StartResponse,
  syncBytes: number,
): ResponseBody | Promise<ResponseBody> {
  codeHead(headers, work.coding);
  const whole = Array.isArray(body) ? (body as readonly Uint8Array[]) : undefined;
  if (isHead) {
    // The content is thrown away, and would only tell its own length.
    return send({ status, headers, body: whole === undefined ? body : closing([], body) }, startResponse);
  }
  if (whole === undefined) {
    return send(
      { status, headers, body: transformBody(body, new Coder({ ...work, announcedBytes: facts.length })) },
      startResponse,
    );
  }
  const sendCoded = (chunks: Uint8Array[]): ResponseBody => {
    headers.push(["Content-Length", `${byteLength(chunks)}`]);
    return send({ status, headers, body: closing(chunks, body) }, startResponse);
  };
  const wholeBody: WholeBody = { ...work, chunks: whole, bytes: byteLength(whole) };
  if (!canCodeNow(wholeBody, syncBytes)) {
    return codeLater(wholeBody).then(sendCoded, (error: unknown) => thrown(body, error));
  }
  let chunks: Uint8Array[];
  try {
    chunks = codeNow(wholeBody);
  } catch (error) {
    return thrown(body, error);
  }
  return sendCoded(chunks);
}

/** A 304 names the representation that the client has: ours, if it asked for that one (RFC 9111, section 4.3.4). */
function nameStored({ headers }: CapturedResponse, facts: HeadFacts, coding: Coding, noneMatch: string | undefined): void {
  const own = headers[facts.etagAt];
  const tag = own === undefined ? undefined : codedTag(own[1], coding);
  if (own !== undefined && tag !== undefined && noneMatch?.includes(tag) === true) headers[facts.etagAt] = [own[0], tag];
}

/** A buffered body in the place of another, which is closed with it. */
function closing(chunks: Uint8Array[], body: ResponseBody): ResponseBody {
  return body.close === undefined ? chunks : Object.assign(chunks, { close: () => body.close?.() });
}

/** Coding has failed: the body is closed all the same, and the first error is the one that counts. */
function thrown(body: ResponseBody, error: unknown): never | Promise<never> {
  const rethrow = (): never => {
    throw error;
  };
  let closed: void | Promise<void>;
  try {
    closed = body.close?.();
  } catch {
    return rethrow();
  }
  return isThenable(closed) ? Promise.resolve(closed).then(rethrow, rethrow) : rethrow();
}
