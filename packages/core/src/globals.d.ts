// The web platform globals that core uses: present in Node, Bun, Deno, workers and browsers. Declared here, and only as far as
// they are used, because core compiles without the DOM library and without Node's types. Not part of the published types.

declare class AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: Uint8Array): string;
}

declare const performance: { now(): number };
declare const console: { error(...values: unknown[]): void };
/** Node, Bun and Deno have it; elsewhere a timer stands in. */
declare const setImmediate: ((callback: () => void) => unknown) | undefined;
declare function setTimeout(callback: () => void, milliseconds: number): unknown;
