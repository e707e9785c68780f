/** Where a value came from. */
export type Source =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "file"; readonly name: string; readonly key: string }
  | { readonly kind: "default" };

/** Where each setting's value came from, by its key. */
export type Sources = Readonly<Record<string, Source>>;

/** As it begins a message: `--timeout`, `timeout in gateway.config.ts`. */
export function sourceText(source: Source): string {
  switch (source.kind) {
    case "flag":
      return source.name;
    case "variable":
      return `${source.name} in the environment`;
    case "file":
      return `${source.key} in ${source.name}`;
    case "default":
      return "default";
  }
}
