import type { Mount } from "./site.ts";

/** Something that a pair cannot carry. */
export interface Lack {
  /** Why: one sentence for the table. */
  readonly why: string;
  /** What is seen instead: the message of the case. */
  readonly sees: RegExp;
  /** Only at these mounts (default: at all). */
  readonly at?: readonly Mount["name"][];
}

/** A front server, and the protocol by which it reaches the application. */
export interface Pair {
  /** Its folder in `fronts`. */
  readonly name: string;
  /** As it is called in tables: `nginx, proxy_pass`. */
  readonly title: string;
  /** Programs that it needs, as `findProgram` finds them, or files of modules. */
  readonly needs: readonly string[];
  /** The front server starts the application itself. */
  readonly isSpawned?: true;
  /** Each request is a process of its own (CGI). */
  readonly startsEachRequest?: true;
  /** Has no TLS of its own. */
  readonly isPlain?: true;
  /** What of the output tells that all its listeners are there (default: it takes connections). */
  readonly ready?: string;
  /** Cases that it cannot carry, by name. A pair that can, after all, fails. */
  readonly lacks: Readonly<Record<string, Lack>>;
}
