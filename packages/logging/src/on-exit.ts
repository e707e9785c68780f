const hooks = new Set<() => void>();

function runHooks(): void {
  for (const hook of hooks) hook();
}

/**
 * Runs a function when the process exits; it must be done when it returns. One listener for all, because each of many would be a warning.
 *
 * @returns what takes it back.
 */
export function onExit(hook: () => void): () => void {
  if (hooks.size === 0) process.on("exit", runHooks);
  hooks.add(hook);
  return () => {
    hooks.delete(hook);
    if (hooks.size === 0) process.off("exit", runHooks);
  };
}
