/** The rules of the run loop, and how each is switched off: what stands in the source, and what takes its place. */
export const runLoopRules = [];
