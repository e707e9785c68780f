import { constants } from "node:os";

const hooks = new Map<NodeJS.Signals, { readonly all: Set<() => void>; readonly listener: () => void }>();

/**
 * Runs a function when the process gets a signal. One listener for all of a signal, and none when nobody wants it any more, so that the
 * signal is then again what it was.
 *
 * @returns what takes it back.
 * @throws {TypeError} for a signal that the system does not have or that cannot be caught.
 */
export function onSignal(signal: NodeJS.Signals, hook: () => void): () => void {
  let known = hooks.get(signal);
  if (known === undefined) {
    const all = new Set<() => void>();
    known = {
      all,
      listener: () => {
        for (const each of all) each();
      },
    };
    if (!Object.hasOwn(constants.signals, signal)) throw new TypeError(`${signal} is no signal of this system`);
    try {
      process.on(signal, known.listener);
    } catch (error) {
      throw new TypeError(`${signal} is no signal that can be caught here`, { cause: error });
    }
    hooks.set(signal, known);
  }
  const { all, listener } = known;
  all.add(hook);
  return () => {
    all.delete(hook);
    if (all.size > 0 || hooks.get(signal)?.all !== all) return;
    hooks.delete(signal);
    process.off(signal, listener);
  };
}
