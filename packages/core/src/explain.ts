/** How an application is about to be served: what checks of layers are told. */
export interface Deployment {
  /** How many processes will run the application. */
  readonly processes: number;
  /** Whether the server itself speaks TLS. */
  readonly isTls: boolean;
  /** What layers further out have stated, for those inside them: `"trusted proxy"` by one that believes what a proxy says of the scheme. */
  readonly stated: Set<string>;
}

/**
 * Looks for what is likely to be a mistake in the place where a layer is used, and gives a sentence for each. It is asked by tools that explain a set-up, from the outside
 * in, before anything is served; requests never pay for it.
 */
export type ExplainHook = (deployment: Deployment) => Iterable<string>;

/** Under this key what a layer has made of an application has its {@link ExplainHook}. */
export const explainKey: unique symbol = Symbol.for("gateway.explain");

/** Under this key what a layer has made of an application has the application inside it; what chooses between several, an array of them. */
export const insideKey: unique symbol = Symbol.for("gateway.inside");

/** Lets tools see what is inside an application, and ask it. What a layer has marked already stays, and what cannot be marked is left alone. */
export function markLayer<Made>(made: Made, inside: unknown, explain?: ExplainHook): Made {
  // A layer that gives no function fails where the application is called, with an error that names it.
  if (typeof made !== "function" || (made as unknown) === inside || Object.hasOwn(made, insideKey) || !Object.isExtensible(made))
    return made;
  Object.defineProperty(made, insideKey, { value: inside, configurable: true });
  if (explain !== undefined) Object.defineProperty(made, explainKey, { value: explain, configurable: true });
  return made;
}
