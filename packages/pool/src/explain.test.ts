import { explainKey, type Application, type ExplainHook } from "@gateway/core";
import { Pool } from "pg";
import { describe, expect, it } from "vitest";
import { pool } from "./index.ts";

const app: Application = () => [];

function remarks(max: number, processes: number): string[] {
  const hook = Reflect.get(pool(new Pool({ max }))(app), explainKey) as ExplainHook;
  return [...hook({ processes, isTls: false, stated: new Set() })];
}

describe("what pool() says to gateway --explain", () => {
  it("warns of more connections than PostgreSQL takes, counting the process that a reload adds", () => {
    expect(remarks(25, 4)).toEqual([expect.stringContaining("in one more: 125, where PostgreSQL takes 100")]);
    expect(remarks(20, 4)).toEqual([]);
    expect(remarks(200, 1)).toEqual([]);
  });
});
