/**
 * How much memory a worker may use before it is replaced: what was set, or less where the workers together, and one that is being replaced, would reach
 * what the system allows the process and its children (the limit of a container): there the kernel would end one without a word.
 *
 * @param constrained bytes that the system allows (default: what it says; 0 where there is no limit).
 */
export function memoryLimit(maxMemory: number, workers: number, constrained: number = constrainedMemory()): number {
  return constrained === 0 ? maxMemory : Math.min(maxMemory, Math.floor(constrained / (workers + 1)));
}

/** Without a limit some systems say 0, and others a number beyond all memory. */
function constrainedMemory(): number {
  const bytes = process.constrainedMemory();
  return bytes === undefined || bytes > 2 ** 48 ? 0 : bytes;
}
