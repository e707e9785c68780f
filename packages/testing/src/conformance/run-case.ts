import type { Application, ApplicationLike } from "@gateway/core";
import { validator } from "@gateway/validate";
import { differences } from "./check.ts";
import { Notebook } from "./notebook.ts";
import { gatewayCases } from "./table.ts";
import type {
  AfterNote,
  CaseRequest,
  ConformanceCase,
  ConformanceRequest,
  ConformanceResponse,
  Probe,
  TestRunner,
  Transport,
} from "./types.ts";

/** Settings of {@link gatewayConformance}. */
export interface ConformanceOptions {
  /** How long one case may take before it fails, with what it was waiting for, in milliseconds (default 10,000). */
  deadlineMs?: number;
}

const validated = " (inside the validator)";

/** A case as a transport names it: its own name, or that with a mark for the validator around its application. */
function keyOf(known: ConformanceCase, inside: boolean): string {
  return inside ? `${known.name}${validated}` : known.name;
}

/**
 * Makes the application of a case: for a transport whose application runs in another process, which is told the `key` by
 * {@link TransportHooks}.
 *
 * @throws {RangeError} if there is no such case.
 */
export function applicationFor(key: string, probe: Probe): ApplicationLike {
  const inside = key.endsWith(validated);
  const name = inside ? key.slice(0, -validated.length) : key;
  const known = gatewayCases.find((one) => one.name === name);
  if (known === undefined) throw new RangeError(`no such conformance case: ${JSON.stringify(name)}`);
  return makeApplication(known, inside, probe);
}

function makeApplication(known: ConformanceCase, inside: boolean, probe: Probe): ApplicationLike | Application {
  const app = known.app(probe);
  return inside ? validator(app) : app;
}

/**
 * Registers every case of the table with a test runner, each twice: as it is, and with the validator around its application (unless
 * that breaks the contract on purpose). A case that the transport lacks becomes a test that the table knows its name.
 */
export function gatewayConformance(transport: Transport, runner: TestRunner, options: ConformanceOptions = {}): void {
  const lacks = new Map(Object.entries(transport.lacks ?? {}));
  runner.describe(`gateway conformance over ${transport.name}`, () => {
    for (const area of new Set(gatewayCases.map((known) => known.area))) {
      runner.describe(area, () => {
        for (const known of gatewayCases) {
          if (known.area !== area || lacks.has(known.name)) continue;
          runner.it(known.name, () => runCase(transport, known, false, options));
          if (known.breaks !== true) runner.it(keyOf(known, true), () => runCase(transport, known, true, options));
        }
      });
    }
    for (const [name, reason] of lacks) {
      runner.it(`lacks "${name}": ${reason}`, async () => {
        if (!gatewayCases.some((known) => known.name === name))
          throw new RangeError(`no such conformance case: ${JSON.stringify(name)}`);
      });
    }
  });
}

/**
 * Runs one case over a transport.
 *
 * @throws {Error} that says case, transport, expected and got.
 */
export async function runCase(
  transport: Transport,
  known: ConformanceCase,
  insideValidator: boolean,
  options: ConformanceOptions = {},
): Promise<void> {
  const title = `${keyOf(known, insideValidator)}, over ${transport.name}`;
  const notebook = new Notebook();
  const running = await transport.start(makeApplication(known, insideValidator, notebook), {
    key: keyOf(known, insideValidator),
    note: (text) => notebook.note(text),
    errors: (text) => notebook.report(text),
  });
  const late = new Deadline(options.deadlineMs ?? 4000);
  let response: ConformanceResponse | undefined;
  let tooLate = "";
  try {
    for (let times = known.request.repeat ?? 1; times > 0; times--) {
      const sent = running.send(requestOf(known.request, notebook, late.signal));
      response = await late.before(sent, () => `${title}: no end of the response\n${state(known, notebook)}`);
    }
    const complete = notebook.until(() => isComplete(known, notebook));
    await Promise.race([complete, late.passed]);
    // Before the gateway stops, which would end what is still running.
    if (!isComplete(known, notebook)) tooLate = `\n  not noted before the deadline:\n${state(known, notebook)}`;
  } finally {
    late.clear();
    await running.stop();
  }
  const wrong = differences(known, response, notebook);
  if (wrong.length === 0 && tooLate === "") return;
  throw new Error(`${[title, ...wrong].join("\n  ")}${tooLate}\n  when it had stopped:\n${state(known, notebook)}`);
}

function isComplete({ expect }: ConformanceCase, { notes, errors }: Notebook): boolean {
  return notes.length >= (expect.notes ?? []).length && (expect.errors !== "some" || errors !== "");
}

function state({ expect }: ConformanceCase, { notes, errors }: Notebook): string {
  return `    notes: ${JSON.stringify(notes)} of ${JSON.stringify(expect.notes ?? [])}\n    wsgi.errors: ${errors === "" ? "nothing" : errors}`;
}

function requestOf(request: CaseRequest, notebook: Notebook, late: AbortSignal): ConformanceRequest {
  const { method = "GET", target = "/", headers = [], body, leave } = request;
  const leaving = new AbortController();
  late.addEventListener("abort", () => leaving.abort(), { once: true });
  if (typeof leave === "object") void notebook.noted(leave.afterNote).then(() => leaving.abort());
  return {
    method,
    target,
    headers,
    body: body === undefined ? undefined : bodyOf(body.chunks, body.chunked === true, notebook),
    leave: typeof leave === "object" ? undefined : leave,
    signal: leaving.signal,
  };
}

function bodyOf(
  chunks: readonly (string | Uint8Array | AfterNote)[],
  chunked: boolean,
  notebook: Notebook,
): NonNullable<ConformanceRequest["body"]> {
  const encoder = new TextEncoder();
  const parts = chunks.map((chunk) => (typeof chunk === "string" ? encoder.encode(chunk) : chunk));
  const length = parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.byteLength : 0), 0);
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      if (part instanceof Uint8Array) yield part;
      else await notebook.noted(part.afterNote);
    }
  }
  return { chunked, length, chunks: slowly() };
}

/** The time that one case has. */
class Deadline {
  readonly passed: Promise<void>;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    this.passed = new Promise((resolve) => this.signal.addEventListener("abort", () => resolve(), { once: true }));
    this.#timer = setTimeout(() => this.#controller.abort(), milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @throws {Error} with this message when the time passes first. */
  async before<T>(promise: Promise<T>, message: () => string): Promise<T> {
    return Promise.race([
      promise,
      this.passed.then(() => {
        throw new Error(message());
      }),
    ]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
