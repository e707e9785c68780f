import { describe, expect, it } from "vitest";
import { explainKey, insideKey, type Deployment } from "@gateway/core";
import { applicationRemarks } from "./explain-hook.ts";

const deployment: Deployment = { processes: 4, isTls: false, stated: new Set() };

const app = (): [] => [];
const layered = (inside: unknown, explain?: unknown): unknown =>
  Object.assign(() => [], { [insideKey]: inside, [explainKey]: explain });

describe("applicationRemarks", () => {
  it("asks the application and every layer around it, from the outside in", () => {
    const memory = ({ processes }: Deployment): string[] => (processes > 1 ? [`sessions live in ${processes} memories`] : []);
    const inner = Object.assign(() => [], { [explainKey]: () => ["inner"] });

    expect(
      applicationRemarks(
        layered(layered(inner, memory), () => ["outer"]),
        deployment,
      ),
    ).toEqual(["outer", "sessions live in 4 memories", "inner"]);
  });

  it("follows what chooses between applications, and those that are classes or objects", () => {
    class Site {
      static readonly [explainKey] = (): string[] => ["class"];
      *[Symbol.iterator](): Generator<Uint8Array> {}
    }
    const object = { call: app, [explainKey]: () => new Set(["object"]) };
    expect(applicationRemarks(layered([Site, object, app]), deployment)).toEqual(["class", "object"]);
  });

  it("says each sentence once, and comes to an end", () => {
    const round = layered(undefined, () => ["again"]) as { [insideKey]?: unknown };
    round[insideKey] = [round, layered(round, () => ["again"])];
    expect(applicationRemarks(round, deployment)).toEqual(["again"]);
  });

  it("reports a hook that fails, and asks the others", () => {
    const fails = layered(
      layered(app, () => ["inner"]),
      () => {
        throw new Error("no");
      },
    );
    expect(applicationRemarks(fails, deployment)).toEqual(["a layer's own check failed: no", "inner"]);
    expect(applicationRemarks(layered(app, "text"), deployment)).toEqual([
      "gateway.explain of a layer is no function: it cannot be asked",
    ]);
    expect(
      applicationRemarks(
        layered(app, () => 3),
        deployment,
      ),
    ).toEqual([expect.stringContaining("a layer's own check failed")]);
  });

  it.each([undefined, null, 3, "app", app])("has nothing to say of %s", (application) => {
    expect(applicationRemarks(application, deployment)).toEqual([]);
  });
});
