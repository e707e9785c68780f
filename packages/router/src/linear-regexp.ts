import { RE2JS } from "re2js";

/** A regular expression that takes time linear in the path, whatever both are. */
export interface LinearRegExp {
  /** The groups, from the first on, and those with names; `undefined` where the path does not match. */
  match(
    path: string,
  ): { readonly groups: readonly (string | undefined)[]; readonly named: Readonly<Record<string, string | undefined>> } | undefined;
  test(path: string): boolean;
}

/**
 * Compiles a regular expression for RE2, which follows all ways through it at once and never goes back. It matches from the start of
 * the path and need not reach its end, as `re.match` of the WSGI tutorials: end it with `$`.
 *
 * @throws {TypeError} for what RE2 does not have (looking around, references back to a group), and for one that does not begin with `^`.
 */
export function linearRegExp(expression: RegExp): LinearRegExp {
  const { source, flags } = expression;
  const shown = String(expression).slice(0, 200);
  if (!source.startsWith("^"))
    throw new TypeError(`the regular expression ${shown} does not begin with ^: a route matches from the start of the path`);
  if (expression.multiline) throw new TypeError(`the regular expression ${shown} has the flag m: a path is one line`);
  if (expression.sticky || expression.global)
    throw new TypeError(`the regular expression ${shown} has the flag ${expression.sticky ? "y" : "g"}: a path is matched once`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(
      RE2JS.translateRegExp(source),
      (flags.includes("i") ? RE2JS.CASE_INSENSITIVE : 0) | (flags.includes("s") ? RE2JS.DOTALL : 0),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TypeError(`the regular expression ${shown} is none of RE2, which routes use because it never backtracks: ${why}`, {
      cause: error,
    });
  }
  const count = compiled.groupCount();
  const names = Object.entries(compiled.namedGroups());
  return {
    match(path) {
      const matcher = compiled.matcher(path);
      if (!matcher.lookingAt()) return undefined;
      const groups: (string | undefined)[] = [];
      for (let i = 1; i <= count; i++) groups.push(matcher.group(i) ?? undefined);
      const named: Record<string, string | undefined> = {};
      for (const [name, index] of names) named[name] = groups[index - 1];
      return { groups, named };
    },
    test: (path) => compiled.matcher(path).lookingAt(),
  };
}
