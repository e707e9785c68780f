// The one web platform global that the types of core mention: this package compiles without the DOM library and without Node's
// types, so that it loads everywhere. Not part of the published types.

declare class AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
}
