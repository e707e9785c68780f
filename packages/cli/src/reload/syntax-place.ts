import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { escapeLine } from "../logs/error-log.ts";

/** Where a mistake in a text is. */
export interface SyntaxPlace {
  readonly file: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The place, the line of the source, and what points to the column, as the runtime shows them before it ends; in printable ASCII. */
  readonly shown: string;
}

/** What the REPL has said once it does not say again. */
const found = new WeakMap<Error, SyntaxPlace | undefined>();

/** A longer line of the source is not shown: what makes such lines is a program. */
const longestLine = 500;

/**
 * Finds where a syntax error is, which the error of an ES module does not say: neither its message nor its stack, only the runtime's own report of an error that
 * nobody catches. The REPL is the one part of it that gives this report away without ending the process.
 *
 * Only for a process that is about to end: the REPL leaves things behind, domains among them.
 *
 * @returns `undefined` where the runtime does not know it.
 */
export function syntaxPlace(error: Error): SyntaxPlace | undefined {
  if (!found.has(error)) found.set(error, readPlace(error));
  return found.get(error);
}

function readPlace(error: Error): SyntaxPlace | undefined {
  const [place = "", source = "", pointer = ""] = reported(error).split("\n");
  const [, where = "", line = ""] = /^(.+):([0-9]+)$/.exec(place) ?? [];
  const file = where.startsWith("file:") ? fileURLToPath(where) : where;
  if (!isAbsolute(file)) return undefined;
  const marks = /\^+/.exec(pointer);
  // At the end of a file there is nothing to point to.
  const column = marks === null ? 1 : marks.index + 1;
  const head = `${escapeLine(where)}:${line}\n`;
  if (source.length > longestLine) return { file, line: Number(line), column, shown: head };
  const [before, after] = [source.slice(0, column - 1), source.slice(column - 1)].map((part) =>
    escapeLine(part.replaceAll("\t", "  ")),
  );
  const pointed = marks === null ? "" : `${" ".repeat(before?.length ?? 0)}${marks[0]}\n`;
  return { file, line: Number(line), column, shown: `${head}${before}${after}\n${pointed}` };
}

/** What the REPL says of it. */
function reported(error: Error): string {
  let said = "";
  const output = new Writable({
    write(chunk, _encoding, done) {
      said += String(chunk);
      done();
    },
  });
  const { stack } = error;
  try {
    // Not imported above: it is needed once, at the end.
    const { start } = createRequire(import.meta.url)("node:repl") as typeof import("node:repl");
    const repl = start({
      input: new PassThrough(),
      output,
      terminal: false,
      prompt: "",
      eval(_code, _context, _file, done) {
        done(error, undefined);
      },
    });
    repl.emit("line", "");
    repl.close();
  } catch {
    // Not every runtime has one.
  }
  // It takes the frames of a syntax error away.
  if (stack !== undefined) Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return said;
}
