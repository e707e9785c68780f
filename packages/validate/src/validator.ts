import {
  isThenable,
  toApplication,
  whenReady,
  type Application,
  type ApplicationLike,
  type Environ,
  type ResponseBody,
  type StartResponse,
  type Write,
} from "@gateway/core";
import { checkBody, ResponseRules } from "./body-rules.ts";
import { breach, isValidationError } from "./breach.ts";
import { isBytes } from "./bytes.ts";
import { checkEnviron } from "./environ-rules.ts";
import { checkHead, type HeadFacts } from "./head-rules.ts";
import { checkSeal, seal } from "./seals.ts";
import { Fact } from "./show.ts";
import { ValidatedErrors, ValidatedInput } from "./streams.ts";
import { validatedBody } from "./validated-body.ts";
import { ValidatedExchange } from "./validated-exchange.ts";

/**
 * Wraps an application and checks both sides against SPEC.md of `@gateway/core`: what the server outside (a gateway or a layer) gives
 * and does, and what the application (or layer) inside gives and does. Whoever breaks a rule gets a {@link ValidationError} where he
 * breaks it. What is found when nobody is left to be told, such as a body that was never closed, goes to `wsgi.errors`.
 *
 * Changes nothing else: a synchronous application stays synchronous, an array an array, and chunks are handed on as they are. Only
 * a file body becomes a stream of the same chunks. Puts its own `wsgi.input`, `wsgi.errors` and `gateway.exchange` into environ.
 *
 * For tests and development: it looks at every byte that is sent.
 *
 * @throws {TypeError} while wrapping, for what is no application.
 */
export function validator<E extends Environ = Environ>(app: ApplicationLike<E>): Application<E> {
  const inner = toApplication(app);
  const givenLists = new WeakMap<object, Call>();
  return (...args) => {
    const count: number = args.length;
    const [environ, startResponse] = args;
    if (count !== 2) breach("G1", new Fact(`${count} arguments`));
    else if (typeof startResponse !== "function") breach("G44", startResponse);
    checkEnviron(environ);
    const rules = new ResponseRules(environ?.REQUEST_METHOD === "HEAD");
    const call = new Call(startResponse, rules, givenLists);
    watchEnviron(environ, rules, call);
    return whenReady(inner(environ, call.startResponse), (body) => call.respond(body));
  };
}

/** Puts what the application uses under watch. Where the environ is wrong already, that was told. */
function watchEnviron(environ: Environ, rules: ResponseRules, call: Call): void {
  if (typeof environ !== "object" || environ === null) return;
  const input = environ["wsgi.input"];
  const errors = environ["wsgi.errors"];
  const exchange = environ["gateway.exchange"];
  if (isObject(input)) Reflect.set(environ, "wsgi.input", new ValidatedInput(input, environ.CONTENT_LENGTH, rules));
  if (isObject(errors)) Reflect.set(environ, "wsgi.errors", new ValidatedErrors(errors));
  if (!isObject(exchange)) return;
  Reflect.set(environ, "gateway.exchange", new ValidatedExchange(exchange));
  if (typeof exchange.onEnd === "function") exchange.onEnd(() => call.exchangeEnded());
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** One call of the application. */
class Call {
  readonly #server: StartResponse;
  readonly #rules: ResponseRules;
  /** Which call a header list was given in. */
  readonly #givenLists: WeakMap<object, Call>;
  #handedOver = false;

  constructor(server: StartResponse, rules: ResponseRules, givenLists: WeakMap<object, Call>) {
    this.#server = server;
    this.#rules = rules;
    this.#givenLists = givenLists;
  }

  readonly startResponse: StartResponse = (...args) => {
    const rules = this.#rules;
    const [status, headers, excInfo] = args;
    if (args.length < 2 || args.length > 3) breach("A6", new Fact(`${args.length} arguments`));
    else if (rules.released) breach("A35", new Fact("startResponse()"));
    else if (rules.started && excInfo === undefined) breach("A17", status);
    rules.started = true;
    const head = checkHead(status, headers);
    if (Array.isArray(headers)) {
      const owner = this.#givenLists.get(headers) ?? this;
      if (owner !== this) breach("A16", headers);
      this.#givenLists.set(headers, this);
    }
    return this.#begin(args, head);
  };

  #begin(args: Parameters<StartResponse>, head: HeadFacts): Write {
    const rules = this.#rules;
    const excInfo: unknown = args[2];
    const mustThrow = excInfo !== undefined && rules.bytesTaken;
    let write: Write;
    try {
      write = this.#server(...args);
    } catch (error) {
      if (excInfo !== undefined && error === excInfo) rules.thrownBack = true;
      else if (mustThrow && !isValidationError(error)) breach("G47", error);
      throw error;
    }
    if (mustThrow) breach("G47", new Fact("a return"));
    else if (typeof write !== "function") breach("G44", write);
    rules.head = head;
    return (...args) => this.#write(write, args);
  }

  #write(server: Write, args: Parameters<Write>): void | Promise<void> {
    const rules = this.#rules;
    const [chunk] = args;
    if (rules.released) breach("A35", new Fact("write()"));
    else if (rules.returned) breach("A32", chunk);
    rules.throwLate();
    if (args.length !== 1 || !isBytes(chunk)) {
      breach("A33", args.length === 1 ? chunk : args);
      return server(...args);
    }
    if (chunk.byteLength > 0) rules.bytes(chunk);
    const sealed = seal(chunk);
    const result: unknown = server(chunk);
    if (chunk.byteLength > 0) rules.bytesTaken = true;
    if (!isThenable(result)) {
      if (result !== undefined) breach("G49", result);
      // No promise tells when the bytes are on their way, so they must stay what they are to the end.
      rules.seals.add(chunk);
      return;
    }
    const settled = result.then(
      () => checkSeal(sealed),
      (error: unknown) => {
        breach("G49", error);
      },
    );
    // Not to await it is allowed: then the breach is told where the application is met next.
    settled.then(undefined, (error: unknown) => rules.postpone(error));
    return Promise.resolve(settled);
  }

  /** The application has handed over what it says is a body. */
  respond(body: ResponseBody): ResponseBody {
    const rules = this.#rules;
    rules.returned = true;
    if (!checkBody(body)) return body;
    try {
      if (Array.isArray(body)) rules.array(body as readonly unknown[]);
      else if (rules.thrownBack) breach("A18", new Fact("a body"));
    } catch (error) {
      // The server never gets it, so nobody else will.
      closeQuietly(body);
      throw error;
    }
    this.#handedOver = true;
    return validatedBody(body, rules);
  }

  exchangeEnded(): void {
    if (this.#handedOver && !this.#rules.closed) breach("G55", new Fact("the end of the exchange, the body never closed"));
  }
}

/** Closes a body because of a breach, which is the error to tell. */
function closeQuietly(body: ResponseBody): void {
  try {
    const closing = body.close?.();
    if (isThenable(closing)) closing.then(undefined, () => {});
  } catch {
    // See above.
  }
}
