import { insideKey, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { mount, router } from "./index.ts";

const [first, second, third] = [1, 2, 3].map((): Application => () => []) as [Application, Application, Application];

describe("what gateway --explain finds inside", () => {
  it("router(): the applications of the routes, and the fallback", () => {
    const whole = router(
      [
        ["/", first],
        ["/other", second],
      ],
      { fallback: third },
    );
    expect(Reflect.get(whole, insideKey)).toEqual([first, second, third]);
    expect(Object.keys(whole)).toEqual(["url"]);
  });

  it("mount(): the applications, and the fallback", () => {
    expect(Reflect.get(mount({ "/a": first, "/b": second }, third), insideKey)).toEqual([first, second, third]);
  });
});
