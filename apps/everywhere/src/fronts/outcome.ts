import type { FrontCase } from "./cases/case.ts";
import type { Pair } from "./pair.ts";
import type { Site } from "./site.ts";

/**
 * Runs a case: it must be carried, or be lacking as the pair has declared.
 *
 * @returns whether it was carried.
 * @throws {Error} for a case that failed and is not declared, failed in another way, or is declared and was carried.
 */
export async function runFrontCase(pair: Pair, site: Site, known: FrontCase): Promise<boolean> {
  const lack = pair.lacks[known.name];
  if (lack === undefined || lack.at?.includes(site.name) === false) {
    await known.run(site);
    return true;
  }
  const failure = await known.run(site).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error("something else than an error", { cause: error })),
  );
  if (failure !== undefined && lack.sees.test(failure.message)) return false;
  const told =
    failure === undefined ? "it is carried after all: take it off the list" : `it lacks in another way: ${failure.message}`;
  throw new Error(`${pair.name} lacks "${known.name}" (${lack.why}): ${told}`, { cause: failure });
}
