import { bodyCases } from "./cases/body.ts";
import { closeCases } from "./cases/close.ts";
import { environCases } from "./cases/environ.ts";
import { errorsCases } from "./cases/errors.ts";
import { headCases } from "./cases/head.ts";
import { inputCases } from "./cases/input.ts";
import { lengthCases } from "./cases/length.ts";
import { writeCases } from "./cases/write.ts";
import type { ConformanceCase } from "./types.ts";

/** The conformance table: what every gateway must do. First edition. */
export const gatewayCases: readonly ConformanceCase[] = [
  ...environCases,
  ...inputCases,
  ...headCases,
  ...bodyCases,
  ...lengthCases,
  ...writeCases,
  ...errorsCases,
  ...closeCases,
];
