import { recordCases } from "./record-cases.ts";
import { sharingCases } from "./sharing-cases.ts";
import { timeCases } from "./time-cases.ts";
import type { StoreCase } from "./types.ts";

/** The conformance table of session stores: what every one of them must do. First edition. */
export const sessionStoreCases: readonly StoreCase[] = [...recordCases, ...timeCases, ...sharingCases];
