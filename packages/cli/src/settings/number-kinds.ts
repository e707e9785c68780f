import { scalar, Unfit, type Json, type Kind, type Place } from "./kind.ts";
import { durationText, meantDuration, meantSize, parseDuration, parsePercentage, parseSize, sizeText } from "./units.ts";

/** What a number may be. */
export interface Range {
  /** The least (default 0). */
  readonly from?: number;
  /** The greatest (default: as great as can be counted exactly). */
  readonly to?: number;
  /** What 0 means where it means something else than nothing, for the reference. */
  readonly zero?: string;
  /** Whether `unlimited` is a value: `Infinity`. */
  readonly orUnlimited?: boolean;
}

const unlimitedText = "unlimited";

/** A whole number. */
export function whole(placeholder: string, range: Range = {}): Kind<number> {
  const parse = (text: string): number | undefined => (/^-?[0-9]{1,16}$/.test(text) ? Number(text) : undefined);
  return quantity({ placeholder, type: "number", what: "a whole number", parse, text: String, isWhole: true }, range);
}

/** Seconds, with or without a unit. */
export function duration(range: Range = {}): Kind<number> {
  const what = "a duration like 500ms, 30s, 5m, 2h or a number of seconds";
  return quantity(
    { placeholder: "TIME", type: "Duration", what, parse: parseDuration, meant: meantDuration, text: durationText, isWhole: false },
    range,
  );
}

/** Bytes, with or without a unit. */
export function size(range: Range = {}, placeholder = "SIZE"): Kind<number> {
  const what = "a size like 16KiB, 2MB, 1.5GiB or a number of bytes";
  return quantity({ placeholder, type: "Size", what, parse: parseSize, meant: meantSize, text: sizeText, isWhole: true }, range);
}

/** Bytes, or a share of the memory that this machine or container may use. */
export function memory(range: Range = {}): Kind<number> {
  const plain = size(range);
  const parse = (text: string, place: Place): number => {
    if (!text.endsWith("%")) return plain.fromTexts([text], place);
    const share = parsePercentage(text);
    if (share === undefined) throw new Unfit(text, "which is not a percentage: write 1% to 100%");
    return Math.floor(share * place.host.memoryBytes);
  };
  return {
    ...plain,
    type: `${plain.type} | Percentage`,
    what: `${plain.what}, or a percentage of the memory that this machine or container may use`,
    fromTexts: ([text = ""], place) => parse(text, place),
    fromFile: (value, place) => (typeof value === "string" ? parse(value, place) : plain.fromFile(value, place)),
  };
}

/** How many processes: a number, or `auto` for one per CPU. */
export function processes(range: Range): Kind<number> {
  const plain = whole("N", range);
  return {
    ...plain,
    type: `${plain.type} | "auto"`,
    what: `${plain.what}, or auto: one for each CPU that this process may use`,
    fromTexts: ([text = ""], place) => (text === "auto" ? place.host.cpus : plain.fromTexts([text], place)),
    fromFile: (value, place) => (value === "auto" ? place.host.cpus : plain.fromFile(value, place)),
  };
}

/** The mode of a file, in octal digits. */
export function mode(): Kind<number> {
  return octal("a file mode in octal digits, like 660", 0o777);
}

/** A mask for the modes of new files, in octal digits. */
export function mask(): Kind<number> {
  return octal("a file mode mask in octal digits, like 027", 0o777);
}

function octal(what: string, to: number): Kind<number> {
  const parse = (text: string): number => {
    const digits = /^(?:0o)?([0-7]{1,4})$/.exec(text)?.[1];
    const value = digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
    if (!(value <= to)) throw new Unfit(text, `which is not ${what}`);
    return value;
  };
  const text = (value: number): string => value.toString(8).padStart(3, "0");
  const accept = (value: unknown): undefined => {
    // 660 and 0o660 look alike here, and mean something else.
    if (typeof value === "number") throw new Unfit(value, 'which is not a file mode: write its octal digits as a text, like "660"');
  };
  return scalar<number>({ placeholder: "MODE", type: "`${number}`", what, parse, accept, text, json: text });
}

interface Quantity {
  readonly placeholder: string;
  readonly type: string;
  readonly what: string;
  readonly parse: (text: string) => number | undefined;
  /** What was meant by a text that is none (default: nobody knows). */
  readonly meant?: (text: string) => string | undefined;
  readonly text: (value: number) => string;
  readonly isWhole: boolean;
}

function quantity({ placeholder, type, what, parse, meant, text, isWhole }: Quantity, range: Range): Kind<number> {
  const { from = 0, to = Number.MAX_SAFE_INTEGER, zero, orUnlimited = false } = range;
  const bounds = boundsText(from === 0 ? undefined : text(from), to === Number.MAX_SAFE_INTEGER ? undefined : text(to));
  const described = `${what}${bounds}${orUnlimited ? `, or ${unlimitedText}` : ""}`;
  const checked = (written: unknown, value: number): number => {
    if (orUnlimited && value === Infinity) return value;
    if (!Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value)) || value < from || value > to) {
      throw new Unfit(written, `which is not ${described}`);
    }
    return value;
  };
  return scalar<number>({
    placeholder,
    type: orUnlimited ? `${type} | "${unlimitedText}"` : type,
    what: zero === undefined ? described : `${described}; 0 ${zero}`,
    parse(written) {
      const value = written === unlimitedText ? Infinity : parse(written);
      const hint = value === undefined ? meant?.(written) : undefined;
      if (hint !== undefined) throw new Unfit(written, `which is not ${described}: did you mean ${hint}?`);
      return checked(written, value ?? Number.NaN);
    },
    accept: (value) => (typeof value === "number" ? checked(value, value) : undefined),
    json: (value): Json => (value === Infinity ? unlimitedText : value),
    text: (value) => (value === Infinity ? unlimitedText : text(value)),
  });
}

function boundsText(from: string | undefined, to: string | undefined): string {
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined) return ` from ${from} on`;
  return to === undefined ? "" : ` up to ${to}`;
}
