/** What a route is matched by: a pattern, or a regular expression. */
export type RoutePattern = string | RegExp;

/** What stood in the path: positional arguments (groups of a regular expression), and named ones. */
export type RoutingArgs<Named = Readonly<Record<string, string | readonly string[] | undefined>>> = readonly [
  positional: readonly (string | undefined)[],
  named: Named,
];

/**
 * What the application of a route finds in environ, under the key that WSGI has for it (wsgi.readthedocs.io, "routing_args"):
 * `RoutingEnviron<"/hello/:name">` has `{ name: string }` as its named arguments.
 */
export interface RoutingEnviron<Pattern extends RoutePattern = RoutePattern> {
  "wsgiorg.routing_args": RoutingArgs<PathParams<Pattern>>;
}

/**
 * The named arguments of a pattern: `string` for `:name`, `readonly string[]` for `*name` (one for each segment), and perhaps
 * `undefined` for what stands in braces. A regular expression, or a pattern that is not known when compiling, has any names.
 */
export type PathParams<Pattern extends RoutePattern> = Pattern extends string
  ? string extends Pattern
    ? AnyParams<string | readonly string[]>
    : Simplify<Scan<Pattern, [], unknown>>
  : AnyParams<string>;

type AnyParams<Value> = Readonly<Record<string, Value | undefined>>;

type Simplify<T> = { readonly [K in keyof T]: T[K] };

/** Characters that end a name: the rest of ASCII. Beyond ASCII what counts is the parser's `ID_Continue`, which types cannot ask. */
type NameEnd =
  | ("/" | "." | "-" | ":" | "*" | "{" | "}" | "(" | ")" | "[" | "]" | "+" | "?" | "!" | "\\" | " " | '"' | "'" | "~" | "@")
  | ("#" | "%" | "&" | "," | ";" | "<" | "=" | ">" | "^" | "`" | "|");

/** Reads a pattern from left to right. `Depth` has an element for each brace that is open. */
type Scan<Rest extends string, Depth extends readonly unknown[], Found> = Rest extends `${infer Character}${infer Tail}`
  ? Character extends "\\"
    ? Tail extends `${infer _Escaped}${infer After}`
      ? Scan<After, Depth, Found>
      : Found
    : Character extends "{"
      ? Scan<Tail, [...Depth, unknown], Found>
      : Character extends "}"
        ? Scan<Tail, Depth extends readonly [unknown, ...infer Outer] ? Outer : [], Found>
        : Character extends ":"
          ? Named<Tail, "", Depth, Found, string>
          : Character extends "*"
            ? Named<Tail, "", Depth, Found, readonly string[]>
            : Scan<Tail, Depth, Found>
  : Found;

/** Reads a name, plain or in quotes, and goes on behind it. */
type Named<Rest extends string, Name extends string, Depth extends readonly unknown[], Found, Value> = Rest extends `"${infer Tail}`
  ? Name extends ""
    ? Tail extends `${infer Quoted}"${infer After}`
      ? Scan<After, Depth, Found & Param<Quoted, Depth, Value>>
      : Found
    : Scan<Rest, Depth, Found & Param<Name, Depth, Value>>
  : Rest extends `${infer Character}${infer Tail}`
    ? Character extends NameEnd
      ? Scan<Rest, Depth, Found & Param<Name, Depth, Value>>
      : Named<Tail, `${Name}${Character}`, Depth, Found, Value>
    : Found & Param<Name, Depth, Value>;

type Param<Name extends string, Depth extends readonly unknown[], Value> = Depth extends readonly []
  ? { readonly [K in Name]: Value }
  : { readonly [K in Name]?: Value | undefined };
