/** How deep a stored value may be nested: deeper is a cycle, or no session data. */
const maxDepth = 64;

/** A value as the session hands it out: `readonly` all the way down, and frozen. */
export type Stored<T> = T extends object ? { readonly [P in keyof T]: Stored<T[P]> } : T;

/**
 * A frozen copy of a value, as it would come back from JSON: so what `get` gives in this request is what it gives in the next, and a change
 * of the original, or of what was handed out, cannot be lost without a word. Properties that are `undefined` are left out, as in JSON.
 *
 * @param path names the value in errors: `set("cart")`.
 * @throws {TypeError} for what JSON would lose or change: dates, maps, class instances, functions, NaN, `undefined` in an array, cycles.
 */
export function storedCopy(value: unknown, path: string, depth = 0): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw new TypeError(`session: ${path} is ${value}, which JSON cannot hold`);
    case "object":
      if (value === null) return null;
      if (depth >= maxDepth) throw new TypeError(`session: ${path} is nested more than ${maxDepth} deep, or in a circle`);
      if (Array.isArray(value)) return copyArray(value, path, depth);
      if (isPlain(value)) return copyObject(value, path, depth);
      throw new TypeError(
        `session: ${path} is ${describe(value)}, which would not come back from JSON as it is: store plain data, or give a serializer`,
      );
    default:
      throw new TypeError(`session: ${path} is ${value === undefined ? "undefined" : `a ${typeof value}`}, which JSON cannot hold`);
  }
}

function copyArray(value: readonly unknown[], path: string, depth: number): unknown {
  const copy: unknown[] = [];
  for (let i = 0; i < value.length; i++) copy.push(storedCopy(value[i], `${path}[${i}]`, depth + 1));
  return Object.freeze(copy);
}

function copyObject(value: object, path: string, depth: number): unknown {
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    // Whoever merges the value later would change every object of the process.
    if (key === "__proto__") throw new TypeError(`session: ${path} has a property __proto__, which is not stored`);
    if (inner !== undefined) copy[key] = storedCopy(inner, `${path}.${key}`, depth + 1);
  }
  return Object.freeze(copy);
}

/** An object literal, of this realm or another, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return typeof prototype === "object" && Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

function describe(value: object): string {
  const { constructor } = value;
  return typeof constructor === "function" && constructor.name !== "" ? `a ${constructor.name}` : "an object of a class";
}

/**
 * Freezes plain objects and arrays all the way down, in place. What else a serializer may have made (dates, maps) is left alone.
 *
 * @returns the value itself.
 */
export function freezeStored<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && !isPlain(value)) return value;
  // Before what is in it: a serializer may have restored a circle.
  Object.freeze(value);
  for (const inner of Object.values(value)) freezeStored(inner);
  return value;
}
