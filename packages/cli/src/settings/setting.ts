import type { Host } from "./host.ts";
import type { Kind } from "./kind.ts";

/** What a server can speak. */
export const protocolNames = ["http", "fastcgi", "scgi", "uwsgi"] as const;

/** One of {@link protocolNames}. */
export type ProtocolName = (typeof protocolNames)[number];

/** The headings of the help and of the reference, in their order. */
export const groups = [
  "Where it listens",
  "Workers",
  "Stopping and reloading",
  "The process",
  "Development",
  "Logs and metrics",
  "Limits and deadlines",
  "What --explain is told",
] as const;

/** The environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable beside the setting's own that is read when that one is not set. */
export interface Variable {
  readonly name: string;
  /** What it means for the setting, in texts as its own variable would have; `undefined`: nothing. */
  readonly texts: (value: string, environment: Environment, host: Host) => readonly string[] | undefined;
  /** For the reference. */
  readonly meaning: string;
}

/** One setting: the source of its flag, its variable, its key in the file, its help and its check. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly group: (typeof groups)[number];
  /** One sentence for the help, without its default. */
  readonly help: string;
  /** More for the reference page. */
  readonly more?: string;
  /** Its one-letter flag. */
  readonly short?: string;
  /** The long flag without dashes, where it is not the key in kebab case: the singular of a list. */
  readonly flag?: string;
  /** Variables beside `GATEWAY_NAME`; `"none"`: not even that. */
  readonly variables?: readonly Variable[] | "none";
  /** As a flag would say it; by protocol where they differ. */
  readonly byDefault?: string | Readonly<Partial<Record<ProtocolName, string>>>;
  /** The protocols that have it (default: all). */
  readonly protocols?: readonly ProtocolName[];
  /** What `makeServer` calls it, where that is not the key. */
  readonly option?: string;
}

/** Settings by their keys. */
export type Table<T> = { readonly [K in keyof T]-?: Setting<T[K]> };

/** Those that a front server speaks. */
export const fronted: readonly ProtocolName[] = ["fastcgi", "scgi", "uwsgi"];
/** Of the command's own. */
export const http: readonly ProtocolName[] = ["http"];
/** Those whose connections wait for another request. */
export const keepsConnections: readonly ProtocolName[] = ["http", "fastcgi"];

/** A limit or a deadline of the servers. */
export type LimitSetting<T> = Omit<Setting<T>, "group">;
