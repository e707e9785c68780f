import { addressCases } from "./addresses.ts";
import { bodyCases } from "./bodies.ts";
import type { Pair } from "../pair.ts";
import type { Mount } from "../site.ts";
import type { FrontCase } from "./case.ts";
import { connectionCases } from "./connections.ts";
import { headerCases } from "./headers.ts";
import { responseCases } from "./responses.ts";
import { streamCases } from "./streams.ts";

/** All cases, each of which runs through each pair at each mount. */
export const frontCases: readonly FrontCase[] = [
  ...addressCases,
  ...headerCases,
  ...bodyCases,
  ...responseCases,
  ...streamCases,
  ...connectionCases,
];

/** The cases that a pair runs at a mount. */
export function casesOf(pair: Pair, mount: Mount): readonly FrontCase[] {
  return frontCases.filter((known) => known.isAnyMount !== true || pair.startsEachRequest !== true || mount.name === "at /");
}
