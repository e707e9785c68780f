import { describe, expect, it } from "vitest";
import { compose, layer } from "./compose.ts";
import type { Application, Middleware } from "./contract.ts";
import { bytes, plain, respond } from "./test-sink.ts";

/** A layer that writes down when it is wrapped, called, and answered. */
const noting = (name: string, notes: string[]): Middleware =>
  layer((app) => {
    notes.push(`wrap ${name}`);
    return (environ, startResponse) => {
      notes.push(`in ${name}`);
      return app(environ, (status, headers, excInfo) => {
        notes.push(`out ${name}`);
        return startResponse(status, headers, excInfo);
      });
    };
  });

const hello: Application = (_, startResponse) => {
  startResponse("200 OK", plain());
  return [bytes("hello")];
};

describe("compose", () => {
  it("puts layers around an application from the outside in, and wraps once", async () => {
    const notes: string[] = [];
    const app = compose(noting("a", notes), noting("b", notes), noting("c", notes))(hello);
    expect(notes.splice(0)).toEqual(["wrap c", "wrap b", "wrap a"]);
    for (let i = 0; i < 2; i++) {
      expect((await respond(app)).sink.body).toBe("hello");
      expect(notes.splice(0)).toEqual(["in a", "in b", "in c", "out c", "out b", "out a"]);
    }
  });

  it("is what direct nesting is", async () => {
    const composed: string[] = [];
    const nested: string[] = [];
    await respond(compose(noting("a", composed), noting("b", composed))(hello));
    await respond(noting("a", nested)(noting("b", nested)(hello)));
    expect(composed).toEqual(nested);
  });

  it("nests", async () => {
    const notes: string[] = [];
    const inner = compose(noting("b", notes), noting("c", notes));
    await respond(compose(noting("a", notes), inner, noting("d", notes))(hello));
    expect(notes.filter((note) => note.startsWith("in"))).toEqual(["in a", "in b", "in c", "in d"]);
  });

  it("of nothing is the application itself", () => {
    expect(compose()(hello)).toBe(hello);
  });

  it("makes an onion that can wrap more than one application", async () => {
    const notes: string[] = [];
    const onion = compose(noting("a", notes));
    await respond(onion(hello));
    await respond(onion(hello));
    expect(notes.filter((note) => note.startsWith("wrap"))).toHaveLength(2);
  });
});

describe("layer", () => {
  it("gives what the function makes, and nothing else", () => {
    const made: Application = () => [];
    expect(layer(() => made)(hello)).toBe(made);
  });
});
