import { checkFormLimits, type CheckedLimits, type FormLimits } from "./form-limits.ts";
import { FormFields } from "./form-fields.ts";
import { malformed, tooMuch } from "./refusals.ts";

/**
 * The fields of a text in `application/x-www-form-urlencoded`: a body, or `environ.QUERY_STRING`. As in the URL standard, but what is not
 * well encoded is refused and not guessed.
 *
 * @throws {HTTPError} 413 above a limit (`fields`, `nameBytes`, `valueBytes`, `fieldsBytes`), 400 for a `%` that encodes nothing and for octets that are no UTF-8.
 * @throws {RangeError} for a limit that is none.
 */
export function parseUrlencoded(text: string, limits: FormLimits = {}): FormFields {
  return parseFields(text, checkFormLimits("parseUrlencoded", limits, Infinity));
}

/** The same with limits that are known to be good. */
export function parseFields(text: string, limits: CheckedLimits): FormFields {
  const fields = new FormFields();
  const budget = new FieldsBudget(limits);
  for (let start = 0; start < text.length;) {
    const found = text.indexOf("&", start);
    const end = found === -1 ? text.length : found;
    // Two "&" in a row have no field between them.
    if (end > start) {
      const equals = text.indexOf("=", start);
      const stop = equals === -1 || equals > end ? end : equals;
      const name = decode(text.slice(start, stop));
      const value = decode(text.slice(Math.min(stop + 1, end), end));
      budget.begin(Buffer.byteLength(name));
      budget.add(0, Buffer.byteLength(value));
      fields.append(name, value);
    }
    start = end + 1;
  }
  return fields;
}

function decode(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw malformed("A field of the form is not well encoded: percent-encode UTF-8.");
  }
}

/** Counts what the fields of a form take, and refuses what is too much. */
export class FieldsBudget {
  readonly #limits: CheckedLimits;
  #fields = 0;
  #bytes = 0;

  constructor(limits: CheckedLimits) {
    this.#limits = limits;
  }

  /** One more field, with a name of so many bytes. @throws {HTTPError} 413 */
  begin(nameBytes: number): void {
    const { fields } = this.#limits;
    if (++this.#fields > fields) throw tooMuch(`The form has more than the ${fields} fields that are allowed.`);
    checkName(nameBytes, this.#limits);
    this.#take(nameBytes);
  }

  /** Bytes of a value, of which some came before. @throws {HTTPError} 413 */
  add(before: number, bytes: number): void {
    const { valueBytes } = this.#limits;
    if (before + bytes > valueBytes) throw tooMuch(`A field of the form has more than the ${valueBytes} bytes that are allowed.`);
    this.#take(bytes);
  }

  #take(bytes: number): void {
    const { fieldsBytes } = this.#limits;
    this.#bytes += bytes;
    if (this.#bytes > fieldsBytes)
      throw tooMuch(`The fields of the form have more than the ${fieldsBytes} bytes that are allowed.`);
  }
}

/** @throws {HTTPError} 413 for a name that is too long. */
export function checkName(bytes: number, { nameBytes }: CheckedLimits): void {
  if (bytes > nameBytes) throw tooMuch(`The name of a field has more than the ${nameBytes} bytes that are allowed.`);
}
