import type { Bind } from "../bind.ts";
import { thisHost } from "../settings/host.ts";
import { listeningSettings } from "../settings/listening-settings.ts";

/**
 * Sockets that systemd hands on and no bind names, as `fd://3`. Clients connect there, and nobody would answer.
 *
 * @param bind where it listens: what was said takes the place of `LISTEN_FDS`.
 */
export function unservedSockets(bind: readonly Bind[], environment: NodeJS.ProcessEnv): readonly string[] {
  const name = "LISTEN_FDS";
  const value = environment[name];
  const { variables } = listeningSettings.bind;
  const variable = variables === "none" ? undefined : variables?.find((known) => known.name === name);
  if (value === undefined || value === "" || variable === undefined) return [];
  try {
    const handed = variable.texts(value, environment, thisHost) ?? [];
    return handed.filter((text) => !bind.some(({ host }) => host === text));
  } catch {
    // It is no number, and nothing goes by it.
    return [];
  }
}

/** What is to be done about them. */
export function unservedText(sockets: readonly string[]): string {
  const flags = sockets.map((text) => `-b ${text}`).join(" ");
  return `nobody serves the sockets that LISTEN_FDS hands on, and their clients wait for ever: bind names other places; add ${flags}, or leave bind out`;
}
