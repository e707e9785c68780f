/**
 * A name of a table or schema, in the quotes that stand around it in SQL.
 *
 * @param what is said in the message: whose option it is, and which.
 * @throws {TypeError} if it is not a plain name: a letter or `_`, then letters, digits and `_`, 50 at most, so that nobody writes SQL by it
 * and names of indexes fit behind it.
 */
export function sqlIdentifier(what: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,49}$/.test(name)) {
    throw new TypeError(`${what} must be a plain SQL name of at most 50 letters, digits and _, not ${JSON.stringify(name)}`);
  }
  return `"${name}"`;
}
