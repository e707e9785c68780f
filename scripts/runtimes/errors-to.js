/** What is written to `wsgi.errors` goes to the hooks of the table. */
export function errorsTo(hooks) {
  return { write: (text) => hooks.errors(text), writelines: (lines) => hooks.errors([...lines].join("")), flush() {} };
}
