import type { Entry } from "./access-entry.ts";
import { apacheAtom } from "./apache-atoms.ts";
import type { Atom, CustomAtom, Place } from "./atoms.ts";
import { gunicornAtom } from "./gunicorn-atoms.ts";
import type { Redactor } from "./redact.ts";

/** Makes the line of one request. */
export type LineWriter = (entry: Entry) => string;

interface Pending {
  readonly make: (place: Place) => Atom;
  readonly isQuoted: boolean;
}

/**
 * Makes a writer of a format string: gunicorn's where it has a `%(`, else Apache's. What is decided by the format is decided here; a request
 * only runs through a list of fields.
 *
 * @param end what ends a line.
 * @throws {TypeError} for an atom that is not known, and for text that is no line of printable ASCII.
 */
export function compileFormat(
  format: string,
  redactor: Redactor,
  custom: Readonly<Record<string, CustomAtom>> = {},
  end = "",
): LineWriter {
  if (/[^ -~]/.test(format)) throw new TypeError("format: a line is printable ASCII, and so is its format");
  const readAtom = format.includes("%(") ? gunicornAtom : apacheAtom;
  const texts = [""];
  const atoms: Pending[] = [];
  let isQuoted = false;
  for (let at = 0; at < format.length;) {
    const character = format.charAt(at);
    if (character !== "%" || format.charAt(at + 1) === "%") {
      if (character === '"') isQuoted = !isQuoted;
      texts[atoms.length] += character;
      at += character === "%" ? 2 : 1;
      continue;
    }
    const { make, end } = readAtom(format, at);
    atoms.push({ make, isQuoted });
    texts.push("");
    at = end;
  }
  texts[atoms.length] += end;
  const [first = "", ...behind] = texts;
  const marks = behind.map((text) => text.charAt(0).replace(/[\w\s"\\]/, "")).join("");
  const fields = atoms.map(({ make, isQuoted }, i) => make({ isQuoted, marks, behind: behind[i] ?? "", redactor, custom }));
  return (entry) => {
    let line = first;
    for (let i = 0; i < fields.length; i++) line += (fields[i] as Atom)(entry);
    return line;
  };
}
