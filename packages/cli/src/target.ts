import { StartError } from "./start-error.ts";

/** What `MODULE[:EXPORT]` or `MODULE:FACTORY()` names. */
export interface Target {
  readonly module: string;
  readonly exportName?: string;
  /** The export is called, and gives the application or a promise of it. */
  readonly isFactory?: true;
}

/**
 * Splits `MODULE[:EXPORT]` or `MODULE:FACTORY()` at the last colon that is followed by an identifier, so that the one in `file:///app.js` stays.
 *
 * @throws {StartError} when one of the two is empty.
 */
export function parseTarget(text: string): Target {
  const colon = text.lastIndexOf(":");
  if (colon === -1) return { module: text };
  const [module, written] = [text.slice(0, colon), text.slice(colon + 1)];
  const isFactory = written.endsWith("()");
  const exportName = isFactory ? written.slice(0, -2) : written;
  if (exportName === "") throw new StartError(`no export is named after the colon of ${JSON.stringify(text)}`);
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(exportName)) return { module: text };
  if (module === "") throw new StartError(`no module is named before the colon of ${JSON.stringify(text)}`);
  return isFactory ? { module, exportName, isFactory } : { module, exportName };
}
