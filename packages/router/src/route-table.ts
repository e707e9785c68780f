import type { Application } from "@gateway/core";
import { linearRegExp, type LinearRegExp } from "./linear-regexp.ts";
import { encodedSlash, restoreSlashes } from "./matched-path.ts";
import type { RoutingArgs } from "./params.ts";
import { parsePattern, type Segment } from "./pattern.ts";
import { readParams, RouteTree, type Fold } from "./route-tree.ts";
import { covers, pathOf } from "./shadows.ts";

/** A route, as it is looked up. */
export interface CompiledRoute {
  readonly app: Application<never>;
  /** How messages name it. */
  readonly label: string;
  /** The methods it takes; `undefined` for any. */
  readonly methods: ReadonlySet<string> | undefined;
}

/** A route, and what stood in the path. */
interface RouteMatch {
  readonly route: CompiledRoute;
  readonly args: RoutingArgs;
}

/** One way to take the pattern of a route. */
interface Variant {
  readonly segments: readonly Segment[];
  readonly index: number;
  readonly route: CompiledRoute;
  /** The path, folded, where it has no parameter. */
  readonly path: string | undefined;
}

interface Expression {
  readonly regexp: LinearRegExp;
  readonly index: number;
  readonly route: CompiledRoute;
  readonly source: string;
}

const noGroups: readonly string[] = [];

/**
 * The list of routes, made ready for looking things up: the first in the list that matches the path and takes the method is taken.
 * The time of a look-up is linear in the path.
 */
export class RouteTable {
  readonly #fold: Fold;
  /** What is being looked up. */
  #method = "";
  /** Where the methods of all that match are gathered, instead of taking one. */
  #gathered: Set<string> | undefined = undefined;
  readonly #tree: RouteTree<Variant>;
  readonly #variants: Variant[] = [];
  readonly #expressions: Expression[] = [];
  /** Paths without parameters that no earlier route with parameters matches. */
  readonly #statics = new Map<string, Variant[]>();
  #length = 0;

  constructor(isCaseSensitive: boolean) {
    this.#fold = isCaseSensitive ? undefined : lowerCase;
    this.#tree = new RouteTree(this.#fold, ({ route }) => {
      if (this.#gathered === undefined) return takes(route, this.#method);
      for (const method of route.methods ?? []) this.#gathered.add(method);
      return false;
    });
  }

  /**
   * Adds a route behind the others.
   *
   * @throws {TypeError} for a pattern that is none, or a route that no request could ever reach.
   */
  add(pattern: string | RegExp, route: CompiledRoute): void {
    const index = this.#length++;
    if (typeof pattern === "string") this.#addPattern(pattern, route, index);
    else this.#addExpression(pattern, route, index);
  }

  #addPattern(pattern: string, route: CompiledRoute, index: number): void {
    const variants = parsePattern(pattern).map((segments): Variant => {
      const path = pathOf(segments);
      return { segments, index, route, path: path === undefined || this.#fold === undefined ? path : this.#fold(path) };
    });
    const shadows = variants.map((variant) => this.#shadowOf(variant));
    const [shadow] = shadows;
    if (shadow !== undefined && !shadows.includes(undefined)) {
      throw new TypeError(
        `${route.label} is never reached: ${shadow.label} before it takes all that it matches. Put it first, or leave it out`,
      );
    }
    for (const variant of variants) {
      const { path } = variant;
      if (path !== undefined && !this.#isTaken(variant, path)) {
        const known = this.#statics.get(path);
        if (known === undefined) this.#statics.set(path, [variant]);
        else known.push(variant);
      }
      this.#tree.add(variant);
      this.#variants.push(variant);
    }
  }

  #addExpression(expression: RegExp, route: CompiledRoute, index: number): void {
    const source = `/${expression.source}/${expression.ignoreCase ? "i" : ""}${expression.dotAll ? "s" : ""}`;
    const same = this.#expressions.filter((other) => other.source === source).map((other) => other.route);
    const shadow = shadowAmong(same, route);
    if (shadow !== undefined) throw new TypeError(`${route.label} is never reached: ${shadow.label} before it is the same`);
    this.#expressions.push({ regexp: linearRegExp(expression), index, route, source });
  }

  /** The route before it that leaves nothing to it, as far as can be seen. */
  #shadowOf({ segments, route, index, path }: Variant): CompiledRoute | undefined {
    const before: CompiledRoute[] = [];
    for (const other of this.#variants)
      if (other.index < index && covers(other.segments, segments, this.#fold)) before.push(other.route);
    if (path !== undefined) for (const other of this.#expressions) if (other.regexp.test(path)) before.push(other.route);
    return shadowAmong(before, route);
  }

  /** Does a route before it match that path too, so that a look-up must weigh them? */
  #isTaken({ segments, index }: Variant, path: string): boolean {
    return (
      this.#variants.some(
        (other) => other.index < index && other.path === undefined && covers(other.segments, segments, this.#fold),
      ) ||
      (this.#expressions.length > 0 && this.#expressions.some((other) => other.regexp.test(path)))
    );
  }

  /**
   * @param path as `matchedPath` gives it.
   * @param hasEncodedSlash whether it may hold slashes that belong to a segment.
   */
  find(path: string, method: string, hasEncodedSlash = true): RouteMatch | undefined {
    const statics = this.#statics.get(this.#fold === undefined ? path : this.#fold(path));
    if (statics !== undefined) {
      for (let i = 0; i < statics.length; i++) {
        const { route } = statics[i] as Variant;
        if (takes(route, method)) return { route, args: [noGroups, {}] };
      }
    }
    this.#method = method;
    const variant = this.#tree.find(path);
    const found = this.#expressions.length === 0 ? undefined : this.#findExpression(path, method, variant?.index ?? Infinity);
    if (found === undefined && variant === undefined) return undefined;
    const match = found ?? {
      route: (variant as Variant).route,
      args: [noGroups, readParams((variant as Variant).segments, path, this.#fold)],
    };
    return hasEncodedSlash && path.includes(encodedSlash) ? { route: match.route, args: restoreArgs(match.args) } : match;
  }

  #findExpression(path: string, method: string, before: number): RouteMatch | undefined {
    for (const { regexp, index, route } of this.#expressions) {
      if (index > before) return undefined;
      const match = takes(route, method) ? regexp.match(path) : undefined;
      if (match !== undefined) return { route, args: [match.groups, match.named] };
    }
    return undefined;
  }

  /** Adds the methods that the routes of this path take. */
  gatherMethods(path: string, methods: Set<string>): void {
    this.#gathered = methods;
    this.#tree.find(path);
    this.#gathered = undefined;
    for (const { regexp, route } of this.#expressions) {
      if (regexp.test(path)) for (const method of route.methods ?? []) methods.add(method);
    }
  }
}

function takes(route: CompiledRoute, method: string): boolean {
  return route.methods === undefined || route.methods.has(method);
}

/** The route that is to blame when those before it take all the methods of a route. */
function shadowAmong(before: readonly CompiledRoute[], { methods }: CompiledRoute): CompiledRoute | undefined {
  const any = before.find((route) => route.methods === undefined);
  if (any !== undefined || methods === undefined) return any;
  const taken = new Set(before.flatMap((route) => [...(route.methods ?? [])]));
  return [...methods].every((method) => taken.has(method))
    ? before.find((route) => [...methods].some((method) => takes(route, method)))
    : undefined;
}

/** In lower case, unless that changes the length, as it does for a few letters: places in the text must stay the same. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text;
}

function restoreArgs([groups, named]: RoutingArgs): RoutingArgs {
  const restored: Record<string, string | readonly string[] | undefined> = {};
  for (const name of Object.keys(named)) {
    const value = named[name];
    restored[name] = typeof value === "string" ? restoreSlashes(value) : value?.map(restoreSlashes);
  }
  return [groups.map((group) => (group === undefined ? undefined : restoreSlashes(group))), restored];
}
