import type { Application, Environ, HeaderList, Middleware } from "@gateway/core";
import { run, type Sink } from "@gateway/core/gateway";
import { buildEnviron } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { accessLog, type AccessLogOptions } from "./access-log.ts";
import type { LogDestination } from "./destination.ts";

/** A destination that keeps what it gets. */
export class Lines implements LogDestination {
  readonly all: string[] = [];

  write(line: string): void {
    this.all.push(line);
  }

  /** The last line, without its line end. */
  get last(): string {
    return (this.all.at(-1) ?? "").replace(/\n$/, "");
  }
}

export const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
};

/** The layer with a validator on both sides. */
export function validated(layer: Middleware, app: Application): Application {
  return validator(layer(validator(app)));
}

/** One request, as it stands on the wire. */
export interface TestRequest {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<HeaderList>;
  readonly environ?: Partial<Environ>;
  readonly app?: Application;
  /** Without validators, which refuse what no strict gateway lets through. */
  readonly isHostile?: boolean;
}

const nowhere: Sink = { head() {}, write() {}, end() {}, abort() {} };

/** Runs a request to its end, in this process. @returns what was written to `wsgi.errors`. */
export async function request(app: Application, { method, target, headers, environ }: TestRequest = {}): Promise<string> {
  let errors = "";
  const built = buildEnviron({ method, target, headers, overrides: { ...environ }, errors: (text) => (errors += text) });
  await run(app, built, nowhere)?.done;
  return errors;
}

/** The line that one request makes. */
export async function lineOf(options: AccessLogOptions, given: TestRequest = {}): Promise<string> {
  const lines = new Lines();
  const layer = accessLog({ ...options, destination: lines });
  const { app = hello } = given;
  await request(given.isHostile === true ? layer(app) : validated(layer, app), given);
  return lines.last;
}
