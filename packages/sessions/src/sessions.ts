import {
  capture,
  isHTTPError,
  isThenable,
  layer,
  send,
  type Application,
  type CapturedResponse,
  type Deployment,
  type Environ,
  type HeaderList,
  type HTTPError,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { varyByCookie } from "./cache-headers.ts";
import { GuardedStore } from "./guarded-store.ts";
import type { LiveSession } from "./live-session.ts";
import { Sealer } from "./sealed-cookie.ts";
import { SealedSession } from "./sealed-session.ts";
import type { SessionData, SessionEnviron } from "./session.ts";
import { checkOptions, logError, type SessionsOptions, type Settings } from "./sessions-options.ts";
import { checkSecrets } from "./secrets.ts";
import { IdSigner } from "./signed-id.ts";
import type { SessionStore } from "./store.ts";
import { StoredSession } from "./stored-session.ts";

/** What {@link sessions} makes. `infer` keeps the compiler from guessing the data from the place in `compose`: it would guess `never`. */
export type SessionsLayer<Data extends object, Key extends string = "gateway.session"> = [Data] extends [infer Known extends object]
  ? Middleware<SessionEnviron<Known, Key>>
  : never;

/**
 * Gives each visitor a session: `environ["gateway.session"]`. It is kept in a sealed cookie, or in a store, of which the cookie then holds the signed id. A session that
 * is not used costs no cookie and no `Vary`; a synchronous application stays synchronous, unless the store has to be waited for.
 *
 * What was changed is saved before the head goes out, so that the client can do nothing that overtakes it. If the application throws, nothing is saved.
 *
 * @throws {TypeError | RangeError} while wrapping, for settings that are wrong, a secret that is too short, or a cookie that browsers would drop.
 */
export function sessions<Data extends object = SessionData>(
  options: SessionsOptions & { environKey?: "gateway.session" | undefined },
): SessionsLayer<Data>;
/** The same, under another key of environ: `sessions<Data, "app.admin">({ environKey: "app.admin", name: "admin", ... })`. */
export function sessions<Data extends object, Key extends `${string}.${string}`>(
  options: SessionsOptions & { environKey: Key },
): SessionsLayer<Data, Key>;
export function sessions<Data extends object>(options: SessionsOptions): Middleware<Record<`${string}.${string}`, unknown>> {
  const settings = checkOptions(options);
  const secrets = checkSecrets(options.secret);
  const begin = settings.store === undefined ? sealed<Data>(settings, secrets) : stored<Data>(settings, secrets, settings.store);
  const { environKey } = settings;
  return layer(
    (app) => (environ, startResponse) => {
      const session = begin(environ);
      environ[environKey] = session;
      const ready = session.prepare();
      return isThenable(ready)
        ? ready.then(() => answer(app, environ, session, startResponse))
        : answer(app, environ, session, startResponse);
    },
    (deployment) => remarks(options, deployment),
  );
}

/** What is likely to be a mistake where sessions are served like this. */
function* remarks({ store, cookie }: SessionsOptions, { processes, isTls, stated }: Deployment): Generator<string> {
  if (processes > 1 && store?.inProcess === true) {
    yield `sessions() keeps its sessions in the memory of each of ${processes} processes, and requests of one visitor go to all of them: use a store that they share, or sealed cookies.`;
  }
  if (typeof cookie === "object" && cookie.secure === true && !isTls && !stated.has("trusted proxy")) {
    yield "sessions() sets a Secure cookie, and every request looks like plain http: put forwarded({ trust }) outside it, or serve TLS.";
  }
}

function sealed<Data extends object>(settings: Settings, secrets: readonly Uint8Array[]): (environ: Environ) => LiveSession<Data> {
  const { names } = settings;
  const http = new Sealer(secrets, names.http);
  const sealers = { http, https: names.https === names.http ? http : new Sealer(secrets, names.https) };
  return (environ) => new SealedSession<Data>(settings, environ, sealers);
}

function stored<Data extends object>(
  settings: Settings,
  secrets: readonly Uint8Array[],
  store: SessionStore,
): (environ: Environ) => LiveSession<Data> {
  const { names, pruneMilliseconds, now } = settings;
  const http = new IdSigner(secrets, names.http);
  const signers = { http, https: names.https === names.http ? http : new IdSigner(secrets, names.https) };
  const access = { store: new GuardedStore(store, pruneMilliseconds, now()), signers };
  return (environ) => new StoredSession<Data>(settings, environ, access);
}

/** What the layer needs of a session. */
type LayerSession = Pick<LiveSession<object>, "isTouched" | "commit" | "follow">;

function answer<E extends Environ>(
  app: Application<E>,
  environ: E,
  session: LayerSession,
  startResponse: StartResponse,
): ResponseBody | Promise<ResponseBody> {
  let captured: CapturedResponse | Promise<CapturedResponse>;
  try {
    captured = capture(app, environ);
  } catch (error) {
    throw varied(error, session);
  }
  if (!isThenable(captured)) return finish(captured, environ, session, startResponse);
  return captured.then(
    (response) => finish(response, environ, session, startResponse),
    (error: unknown) => {
      throw varied(error, session);
    },
  );
}

/** Saves before the first byte goes out. */
function finish(
  response: CapturedResponse,
  environ: Environ,
  session: LayerSession,
  startResponse: StartResponse,
): ResponseBody | Promise<ResponseBody> {
  const { headers, body } = response;
  let saving: void | Promise<void>;
  try {
    saving = session.commit(headers, Array.isArray(body));
  } catch (error) {
    discard(body, environ);
    throw error;
  }
  if (!isThenable(saving)) return sendOn(response, session, startResponse);
  return saving.then(
    () => sendOn(response, session, startResponse),
    (error: unknown) => {
      discard(body, environ);
      throw error;
    },
  );
}

function sendOn(response: CapturedResponse, session: LayerSession, startResponse: StartResponse): ResponseBody {
  response.body = session.follow(response.body, response.headers);
  return send(response, startResponse);
}

/** Closes a body that is not sent. What that throws is not what counts. */
function discard(body: ResponseBody, environ: Environ): void {
  const failed = (error: unknown): void => logError(environ, error);
  try {
    const closing = body.close?.();
    if (isThenable(closing)) Promise.resolve(closing).then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

/** The same error, and where it is an answer that the session had a part in, one that depends on the cookie. */
function varied(error: unknown, session: LayerSession): unknown {
  if (!session.isTouched || !isHTTPError(error)) return error;
  const headers: HeaderList = [...error.headers];
  varyByCookie(headers);
  // Not changed itself: one error object may serve many requests.
  return Object.create(error, { headers: { value: headers, enumerable: true } }) as HTTPError;
}
