const maxLength = 80;

/** What broke a rule, in words, where no value did. */
export class Fact {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value for an error message: on one line, short, and without characters that could pass for something else in a log. */
export function show(value: unknown): string {
  if (value instanceof Fact) return value.text;
  if (typeof value === "string") return quote(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null) return String(value);
  return showObject(value);
}

function showObject(value: object): string {
  try {
    if (Array.isArray(value)) return showArray(value);
    if (ArrayBuffer.isView(value)) return `${className(value)} of ${value.byteLength} bytes`;
    if (value instanceof Error) return `${value.name}: ${escape(value.message.slice(0, maxLength))}`;
    const name = className(value);
    return name === "" || name === "Object" ? "an object" : `an object of class ${escape(name.slice(0, maxLength))}`;
  } catch {
    return "an object that cannot be shown";
  }
}

function showArray(values: readonly unknown[]): string {
  const shown = values.slice(0, 3).map((value) => (Array.isArray(value) ? `an array of ${value.length}` : show(value)));
  return `[${shown.join(", ")}${values.length > shown.length ? `, … ${values.length} in all` : ""}]`;
}

function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" ? name : "";
}

function quote(text: string): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return escape(JSON.stringify(short));
}

/** Leaves visible ASCII only: nothing that ends a line, turns the direction, or looks like something else. */
function escape(text: string): string {
  return text.replaceAll(/[^\x20-\x7e…]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
