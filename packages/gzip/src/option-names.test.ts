import { expect, it } from "vitest";
import { gzip, inflate } from "./index.ts";

it.each<[string, () => unknown]>([
  ["gzip", () => gzip({ nonsense: 1 } as object)],
  ["inflate", () => inflate({ nonsense: 1 } as object)],
])("%s refuses an option that there is not", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${name}: there is no option nonsense: there are `);
});
