import type { RestartCause } from "./status.ts";

/** How many workers were replaced, by the reason: none yet. */
export function noRestarts(): Record<RestartCause, number> {
  return { crash: 0, boot: 0, timeout: 0, "max-requests": 0, "max-memory": 0, reload: 0, asked: 0 };
}
