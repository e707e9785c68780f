import { describe } from "./application.ts";
import type { Application, Environ, Middleware } from "./contract.ts";
import { markLayer, type ExplainHook } from "./explain.ts";

/** Any layer, whatever it adds and needs; a plain function from application to application too. */
export type AnyMiddleware = (app: never) => Application<never>;

/** What a layer adds to environ; nothing (`unknown`) for a plain function. */
export type AddsOf<L> = L extends Middleware<infer Adds, infer _Needs> ? Adds : unknown;

/** What a layer needs of the layers outside it. */
export type NeedsOf<L> = L extends Middleware<infer _Adds, infer Needs> ? Needs : unknown;

/** The compiler shows this for a layer that stands outside the one that adds what it needs: move it further in. */
export interface Misplaced<Key> {
  readonly "needs a layer that stands inside it": Key;
}

/** The compiler shows this for a layer that needs a key with another type than the layers outside it add. */
export interface Mismatched<Key> {
  readonly "is added outside it with another type": Key;
}

/** All that a list of layers adds. */
type Adds<Ls extends readonly unknown[]> = Ls extends readonly [infer First, ...infer Rest] ? AddsOf<First> & Adds<Rest> : unknown;

/** The keys of `Needs` that `Given` does not give. */
type Unmet<Needs, Given> = { [K in keyof Needs]: Given extends { [P in K]: Needs[K] } ? never : K }[keyof Needs];

/** What the layers of a list need and no layer outside them adds: the needs of the whole. */
type OpenNeeds<Ls extends readonly unknown[], Outside = unknown> = Ls extends readonly [infer First, ...infer Rest]
  ? Open<NeedsOf<First>, Outside> & OpenNeeds<Rest, Outside & AddsOf<First>>
  : unknown;

type Open<Needs, Given> = [Unmet<Needs, Given>] extends [never] ? unknown : Pick<Needs, Unmet<Needs, Given>>;

/** For each layer `unknown` where its place is right, else what the compiler shall say. */
type Places<Ls extends readonly unknown[], Outside = unknown> = Ls extends readonly [infer First, ...infer Rest]
  ? [Verdict<Unmet<NeedsOf<First>, Outside>, keyof Outside, keyof Adds<Ls>>, ...Places<Rest, Outside & AddsOf<First>>]
  : [];

type Verdict<Missing, Outside, Inside> = [Missing & Outside] extends [never]
  ? [Missing & Inside] extends [never]
    ? unknown
    : Misplaced<Missing & Inside>
  : Mismatched<Missing & Outside>;

type Placed<Ls extends readonly unknown[], I> = I extends keyof Places<Ls> ? Places<Ls>[I] : unknown;

/**
 * The whole onion as one layer. `infer` keeps the compiler from guessing the layers of an inner `compose` from the place it
 * stands in: it would guess `never`.
 */
type Composed<Ls> = [Ls] extends [infer All extends readonly unknown[]] ? Middleware<Adds<All>, OpenNeeds<All>> : never;

/**
 * Makes one layer out of many, written from the outside in: `compose(accessLog(), sessions())(app)` is
 * `accessLog()(sessions()(app))`. Folds when it wraps, so a request pays nothing for it. What is needed and not added
 * stays open: the result is a middleware that needs it.
 *
 * @throws {TypeError} for an argument that is no function.
 */
export function compose<Ls extends readonly AnyMiddleware[]>(...layers: { [I in keyof Ls]: Ls[I] & Placed<Ls, I> }): Composed<Ls> {
  for (const [i, layer] of layers.entries()) {
    if (typeof layer !== "function")
      throw new TypeError(`compose: argument ${i + 1} is no layer, a function, but ${describe(layer)}`);
  }
  const wrap = (app: Application<never>): Application<never> =>
    (layers as readonly AnyMiddleware[]).reduceRight((inner, outer) => outer(inner as never), app);
  return wrap as unknown as Composed<Ls>;
}

/**
 * Types a layer: inside `make`, `environ` has what the layer needs, and what it adds as far as it is set already.
 * It cannot prove that the layer sets what it says it adds. What the layer makes is marked, so that tools can look through the onion (`gateway --explain`).
 *
 * @param explain what to ask before the layer is served: gives a sentence for each likely mistake.
 */
export function layer<Adds = unknown, Needs = unknown>(
  make: (app: Application<Environ & Needs & Partial<Adds>>) => Application<Environ & Needs & Partial<Adds>>,
  explain?: ExplainHook,
): Middleware<Adds, Needs> {
  const wrap: typeof make = (app) => markLayer(make(app), app, explain);
  return wrap as Middleware<Adds, Needs>;
}
