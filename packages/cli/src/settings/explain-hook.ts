import { explainKey, insideKey, type Deployment } from "@gateway/core";

/**
 * Asks the hooks of an application, from the outside in, along `gateway.inside`. A hook that fails is a remark itself.
 *
 * @returns what they say, each sentence once.
 */
export function applicationRemarks(application: unknown, deployment: Deployment): readonly string[] {
  const seen = new Set<unknown>();
  const remarks = new Set<string>();
  const visit = (value: unknown): void => {
    if ((typeof value !== "function" && (typeof value !== "object" || value === null)) || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) return value.forEach(visit);
    for (const remark of asked(value, deployment)) remarks.add(remark);
    visit(read(value, insideKey));
  };
  visit(application);
  return [...remarks];
}

function asked(value: object, deployment: Deployment): readonly string[] {
  const hook = read(value, explainKey);
  if (hook === undefined) return [];
  if (typeof hook !== "function") return ["gateway.explain of a layer is no function: it cannot be asked"];
  try {
    const given: unknown = Reflect.apply(hook, value, [deployment]);
    return [...(given as Iterable<unknown>)].filter((remark) => typeof remark === "string" && remark !== "").map(String);
  } catch (error) {
    return [`a layer's own check failed: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** A property that may be missing, and whose getter may throw. */
function read(value: object, key: symbol): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}
