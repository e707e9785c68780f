/** Turns what is in a session into text and back: `JSON` is one; superjson and devalue have the same two functions. */
export interface SessionSerializer {
  /** Text for plain objects and arrays and whatever the application stored in them. */
  stringify(value: unknown): string;
  /** What `stringify` was given. May throw for what it did not make: the session then is a new one. */
  parse(text: string): unknown;
}

/**
 * Values by key: a Map's methods over the plain object that came out of the text and goes into it, because a request looks at few of them. Keys that
 * objects know already (`__proto__`) are keys like any other.
 */
export class Values {
  #record: Record<string, unknown>;

  /** @param record whose own properties are the values. It is used, not copied. */
  constructor(record: Record<string, unknown> = {}) {
    this.#record = record;
  }

  /** The plain object. */
  get record(): Readonly<Record<string, unknown>> {
    return this.#record;
  }

  get isEmpty(): boolean {
    for (const key in this.#record) if (Object.hasOwn(this.#record, key)) return false;
    return true;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#record, key);
  }

  get(key: string): unknown {
    return Object.hasOwn(this.#record, key) ? this.#record[key] : undefined;
  }

  set(key: string, value: unknown): void {
    if (key !== "__proto__") this.#record[key] = value;
    else Object.defineProperty(this.#record, key, { value, enumerable: true, configurable: true, writable: true });
  }

  delete(key: string): void {
    delete this.#record[key];
  }

  clear(): void {
    this.#record = {};
  }
}

/** What is in one session: the values by key, and what waits to be read once. */
export class Contents {
  readonly data: Values;
  readonly flash: Values;

  constructor(data?: Record<string, unknown>, flash?: Record<string, unknown>) {
    this.data = new Values(data);
    this.flash = new Values(flash);
  }

  /** Is there nothing in it? */
  get isEmpty(): boolean {
    return this.data.isEmpty && this.flash.isEmpty;
  }
}

/** `[data]`, or `[data, flash]`: short, because it may have to fit into a cookie. */
export function encodeContents({ data, flash }: Contents, serializer: SessionSerializer): string {
  const text: unknown = serializer.stringify(flash.isEmpty ? [data.record] : [data.record, flash.record]);
  if (typeof text !== "string") throw new TypeError("session: the serializer's stringify did not give a string");
  return text;
}

/** `undefined` for what {@link encodeContents} did not make with this serializer. Never throws. */
export function decodeContents(text: string, serializer: SessionSerializer): Contents | undefined {
  let decoded: unknown;
  try {
    decoded = serializer.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(decoded) || decoded.length < 1 || decoded.length > 2) return undefined;
  const [data, flash = {}]: unknown[] = decoded;
  return isRecord(data) && isRecord(flash) ? new Contents(data, flash) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
