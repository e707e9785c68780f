import type { Site } from "../site.ts";

/** One thing that must be so behind every front server, or be declared. */
export interface FrontCase {
  readonly name: string;
  /** It has nothing to do with the mount: where a process is started for each request, it runs at `/` only. */
  readonly isAnyMount?: true;
  /** @throws {Error} that says what was different. */
  readonly run: (site: Site) => Promise<void>;
}
