import type { HeaderList } from "@gateway/core";
import { validator } from "../src/index.ts";
import type { BreachCase } from "./breach-case.ts";
import { drive, makeEnviron } from "./harness.ts";
import { bytes, head, text, type, uses, withLength, wrong } from "./wrong-application.ts";

/** What applications do wrong with `startResponse`. */
export const headBreaches: readonly BreachCase[] = [
  wrong("A6", "four arguments", (_, startResponse) => {
    (startResponse as (...args: unknown[]) => unknown)("200 OK", type(), undefined, 1);
    return [];
  }),
  wrong("A6", "one argument", (_, startResponse) => {
    (startResponse as (...args: unknown[]) => unknown)("200 OK");
    return [];
  }),
  head("A7", "a number", 200, type()),
  head("A7", "no number", "OK", type()),
  head("A7", "two digits", "20 OK", type()),
  head("A7", "no space", "200OK", type()),
  head("A7", "a line end", "200 OK\r\nX: y", type()),
  head("A7", "600", "600 Far", type()),
  head("A7", "above U+00FF", "200 \u20ac", type()),
  head("A8", "100", "100 Continue", []),
  head("A9", "an object", "200 OK", { "Content-Type": text }),
  head("A9", "a Map", "200 OK", new Map()),
  head("A9", "a frozen list", "200 OK", Object.freeze(type())),
  head("A10", "a flat list", "200 OK", ["Content-Type", text]),
  head("A10", "a triple", "200 OK", [["Content-Type", text, 1]]),
  head("A10", "a number", "200 OK", [...type(), ["X-Count", 1]]),
  head("A10", "a hole", "200 OK", Array.from({ length: 1 })),
  head("A11", "a colon", "200 OK", [["X:", "1"]]),
  head("A11", "an empty name", "200 OK", [["", "1"]]),
  head("A11", "a line end", "200 OK", [["X\r\nY", "1"]]),
  head("A12", "CR LF", "200 OK", [["X", "1\r\nSet-Cookie: a=b"]]),
  head("A12", "NUL", "200 OK", [["X", "\0"]]),
  head("A12", "DEL", "200 OK", [["X", "\x7f"]]),
  head("A13", "a euro", "200 OK", [["X", "\u20ac"]]),
  head("A14", "Status", "200 OK", [["Status", "404"]]),
  head("A15", "Connection", "200 OK", [["Connection", "close"]]),
  head("A15", "Transfer-Encoding", "200 OK", [["transfer-encoding", "chunked"]]),
  head("A20", "204", "204 No Content", type()),
  head("A20", "304", "304 Not Modified", type()),
  head("A21", "no digits", "200 OK", [["Content-Length", "5 bytes"]]),
  head("A21", "empty", "200 OK", [["Content-Length", ""]]),
  head("A21", "twice", "200 OK", [...withLength(0), ["content-length", "0"]]),
  head("A21", "more than can be counted", "200 OK", [["Content-Length", "9".repeat(20)]]),
  head("A22", "204", "204 No Content", [["Content-Length", "0"]]),
  {
    rule: "A16",
    what: "one list for all",
    async breaks() {
      const constant = type();
      const app = validator((_, startResponse) => {
        startResponse("200 OK", constant);
        return [bytes];
      });
      await drive(app);
      await drive(app);
    },
  },
  wrong("A17", "twice", (_, startResponse) => {
    startResponse("200 OK", type());
    startResponse("200 OK", type());
    return [];
  }),
  {
    rule: "A17",
    what: "again after a refusal",
    breaks: () =>
      validator((_, startResponse) => {
        try {
          startResponse("200 OK", type());
        } catch {
          startResponse("500 Oops", type());
        }
        return [];
      })(makeEnviron(), () => {
        throw new Error("refused");
      }),
  },
  ...(["A9", "A10", "A11", "A12", "A13", "A14", "A15"] as const).map((rule, index): BreachCase => {
    const hints = [{}, [1], [["a b", ""]], [["A", "\n"]], [["A", "\u0100"]], [["Status", ""]], [["Upgrade", ""]]][index];
    return uses(rule, "in early hints", (environ) => environ["gateway.exchange"].earlyHints(hints as HeaderList));
  }),
];
