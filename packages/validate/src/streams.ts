import { isThenable, type ErrorStream, type InputStream } from "@gateway/core";
import type { ResponseRules } from "./body-rules.ts";
import { breach } from "./breach.ts";
import { isBytes } from "./bytes.ts";
import { Fact } from "./show.ts";

const lineFeed = 0x0a;

/** `wsgi.input` with both sides of it watched: how it is asked, and what it gives. */
export class ValidatedInput implements InputStream {
  readonly #input: InputStream;
  readonly #rules: ResponseRules;
  /** What `CONTENT_LENGTH` says; infinite where it says nothing. */
  readonly #declared: number;
  #given = 0;
  #ended = false;

  constructor(input: InputStream, contentLength: unknown, rules: ResponseRules) {
    this.#input = input;
    this.#rules = rules;
    this.#declared = typeof contentLength === "string" && /^[0-9]+$/.test(contentLength) ? Number(contentLength) : Infinity;
  }

  read(...args: [size?: number]): Promise<Uint8Array> {
    this.#called("read", args);
    const size = bound(args[0]);
    return this.#checked(this.#input.read(...args), (bytes) => {
      if (!isBytes(bytes) || bytes.byteLength > size) breach("G30", bytes);
      else this.#took(bytes.byteLength, bytes.byteLength < size);
    });
  }

  readline(...args: [limit?: number]): Promise<Uint8Array> {
    this.#called("readline", args);
    const limit = bound(args[0]);
    return this.#checked(this.#input.readline(...args), (line) => {
      if (!isLine(line) || line.byteLength > limit) breach("G30", line);
      else this.#took(line.byteLength, line.byteLength < limit && !isComplete(line));
    });
  }

  readlines(...args: [hint?: number]): Promise<Uint8Array[]> {
    this.#called("readlines", args);
    const hint = args[0] === 0 ? Infinity : bound(args[0]);
    return this.#checked(this.#input.readlines(...args), (lines) => {
      if (!Array.isArray(lines) || !areLines(lines)) return breach("G30", lines);
      let length = 0;
      for (const line of lines) length += line.byteLength;
      this.#took(length, length < hint);
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = this.#input[Symbol.asyncIterator]();
    const watched: AsyncIterator<Uint8Array> = { next: () => this.#next(iterator) };
    if (typeof iterator.return === "function") watched.return = (value) => iterator.return?.(value) ?? over();
    return watched;
  }

  #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    this.#called("next", []);
    return this.#checked(iterator.next(), (step) => {
      if (typeof step !== "object" || step === null) breach("G30", step);
      else if (step.done === true) this.#ended = true;
      else if (!isBytes(step.value)) breach("G30", step.value);
      else this.#took(step.value.byteLength, false);
    });
  }

  /** Never to be called; a member of the class so that the error can say so. */
  close(): void {
    breach("A38", new Fact("wsgi.input.close()"));
  }

  #called(method: string, args: readonly unknown[]): void {
    if (this.#rules.released) breach("A35", new Fact(`wsgi.input.${method}()`));
    else if (args.length > 1 || !(args[0] === undefined || Number.isSafeInteger(args[0]))) breach("A36", args);
  }

  #checked<T>(result: Promise<T>, check: (value: T) => void): Promise<T> {
    if (!isThenable<unknown>(result)) {
      breach("G30", result);
      return result;
    }
    return result.then((value) => {
      check(value);
      return value;
    });
  }

  /** @param isEnd fewer than asked for: that is all there is. */
  #took(length: number, isEnd: boolean): void {
    this.#given += length;
    if (this.#ended && length > 0) breach("G31", new Fact(`${length} bytes`));
    else if (length > 0 && this.#given > this.#declared) breach("G32", new Fact(`${this.#given} bytes for ${this.#declared}`));
    if (isEnd) this.#ended = true;
  }
}

async function over(): Promise<IteratorResult<Uint8Array>> {
  return { done: true, value: undefined };
}

/** A size or limit; infinite where there is none, which a negative one means too. */
function bound(size: unknown): number {
  return typeof size === "number" && size >= 0 ? size : Infinity;
}

/** Bytes with a line feed at the end or nowhere. */
function isLine(value: unknown): value is Uint8Array {
  if (!isBytes(value)) return false;
  const at = value.indexOf(lineFeed);
  return at === -1 || at === value.length - 1;
}

function isComplete(line: Uint8Array): boolean {
  return line.at(-1) === lineFeed;
}

/** Lines, all of them complete but the last. */
function areLines(lines: readonly unknown[]): lines is readonly Uint8Array[] {
  return lines.every((line, index) => isLine(line) && line.byteLength > 0 && (isComplete(line) || index === lines.length - 1));
}

/** `wsgi.errors` with its use watched. */
export class ValidatedErrors implements ErrorStream {
  readonly #errors: ErrorStream;

  constructor(errors: ErrorStream) {
    this.#errors = errors;
  }

  write(...args: [text: string]): void {
    if (args.length !== 1 || typeof args[0] !== "string") breach("A37", args);
    this.#errors.write(...args);
  }

  writelines(...args: [lines: Iterable<string>]): void {
    const [lines] = args;
    if (args.length !== 1 || !isIterable(lines)) {
      breach("A37", args);
      return this.#errors.writelines(...args);
    }
    // An iterable may give its lines only once.
    const list = [...lines];
    if (!list.every((line) => typeof line === "string")) breach("A37", list);
    this.#errors.writelines(list);
  }

  flush(): void {
    this.#errors.flush();
  }

  /** Never to be called; a member of the class so that the error can say so. */
  close(): void {
    breach("A38", new Fact("wsgi.errors.close()"));
  }
}

function isIterable(value: unknown): boolean {
  return (typeof value === "object" || typeof value === "string") && value !== null && Symbol.iterator in Object(value);
}
