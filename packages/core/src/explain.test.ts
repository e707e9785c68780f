import { describe, expect, it } from "vitest";
import { compose, explainKey, insideKey, layer, markLayer, type Application, type ExplainHook } from "./index.ts";

const app: Application = (_environ, startResponse) => {
  startResponse("200 OK", []);
  return [];
};
const through = (explain?: ExplainHook): ReturnType<typeof layer> =>
  layer((inner) => (environ, startResponse) => inner(environ, startResponse), explain);

describe("layer", () => {
  it("marks what it makes with the application inside it, and with what it has to say", () => {
    const explain: ExplainHook = () => ["a remark"];
    const whole = compose(through(explain), through())(app);
    const inner: unknown = Reflect.get(whole, insideKey);
    expect(Reflect.get(whole, explainKey)).toBe(explain);
    expect(Reflect.get(inner as object, explainKey)).toBeUndefined();
    expect(Reflect.get(inner as object, insideKey)).toBe(app);
  });

  it("keeps the marks out of sight", () => {
    const whole = through(() => [])(app);
    expect(Object.keys(whole)).toEqual([]);
  });

  it("leaves an application alone that it hands on, so that nobody goes round in circles", () => {
    expect(layer((inner) => inner)(app)).toBe(app);
    expect(Object.hasOwn(app, insideKey)).toBe(false);
  });
});

describe("markLayer", () => {
  it("leaves marks that are there, what cannot be marked, and what is no function", () => {
    const chooser = markLayer(() => [], [app]);
    expect(Reflect.get(markLayer(chooser, app), insideKey)).toEqual([app]);
    const frozen = Object.freeze((): Uint8Array[] => []);
    expect(Reflect.ownKeys(markLayer(frozen, app))).not.toContain(insideKey);
    expect(markLayer(undefined, app)).toBeUndefined();
  });
});
