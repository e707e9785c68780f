/**
 * For authors of layers: refuses an option that there is not: what is spelt otherwise would be ignored without a word.
 *
 * @param maker how the error begins: the function that was given them.
 * @param known every option there is.
 * @throws {TypeError} that names it, and those there are; for options that are no object, too.
 */
export function checkOptionNames<Options extends object>(
  maker: string,
  options: Options,
  known: Readonly<Record<keyof Options, true>>,
): void {
  if (!isObject(options))
    throw new TypeError(`${maker}: its options are an object, not ${options === null ? "null" : `a ${typeof options}`}`);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name))
      throw new TypeError(`${maker}: there is no option ${name}: there are ${Object.keys(known).join(", ")}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
