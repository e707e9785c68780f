import type { Application, Environ, ResponseBody, StartResponse } from "./contract.ts";

/** An application as a class: constructed for each request with the two arguments, then iterated (PEP 3333). */
export interface ApplicationClass<E = Environ> {
  new (environ: E, startResponse: StartResponse): ResponseBody;
}

/** An application as an object. Never a function: those are called themselves. */
export interface ApplicationObject<E = Environ> {
  call(environ: E, startResponse: StartResponse): ResponseBody | Promise<ResponseBody>;
  apply?: never;
}

/** What every gateway accepts as an application: a function, a class, or an object with `call`. */
export type ApplicationLike<E = Environ> = Application<E> | ApplicationClass<E> | ApplicationObject<E>;

/**
 * Makes a plain function of an application, whatever its form. A function is returned as it is.
 *
 * @throws {TypeError} for anything else; the message names what it got.
 */
export function toApplication<E = Environ>(app: ApplicationLike<E>): Application<E> {
  if (typeof app === "function") {
    if (!isClass(app)) return app;
    return (environ, startResponse) => new app(environ, startResponse);
  }
  if (typeof app === "object" && app !== null && typeof app.call === "function") {
    return (environ, startResponse) => app.call(environ, startResponse);
  }
  throw new TypeError(`an application is a function, a class or an object with call(environ, startResponse), not ${describe(app)}`);
}

/** Classes are told from functions by their `prototype`, which cannot be written to (ECMA-262, ClassDefinitionEvaluation). */
function isClass<E>(app: Application<E> | ApplicationClass<E>): app is ApplicationClass<E> {
  return Object.getOwnPropertyDescriptor(app, "prototype")?.writable === false;
}

/** Names a value for an error message: its kind, never its content. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (typeof value === "object") {
    const name: unknown = value.constructor?.name;
    return typeof name === "string" && name !== "" && name !== "Object" ? `an object of class ${name}` : "a plain object";
  }
  return typeof value === "string" ? `the string ${JSON.stringify(value.slice(0, 60))}` : `a ${typeof value}`;
}
