import { expect, it } from "vitest";
import { pool } from "./index.ts";

const source = { acquire: async () => 1, release() {}, destroy() {} };

it.each<[string, () => unknown]>([
  ["pool", () => pool(source, { nonsense: 1 } as object)],
  ["pool: transaction", () => pool(source, { transaction: { nonsense: 1 } as object })],
])("%s refuses an option that there is not", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${name}: there is no option nonsense: there are `);
});
