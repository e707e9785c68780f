import { CgiEnvirons, type CgiGateway } from "@gateway/core/gateway";
import type { SocketFacts } from "./protocol.ts";

/** Makes environs for the connections of one server, which share what is learned of the variables. */
export class EnvironMakers {
  readonly #gateway: Omit<CgiGateway, "serverName" | "serverPort">;
  /** By the address of this machine that a connection came to: one, or those that it has. */
  readonly #makers = new Map<string, CgiEnvirons>();

  constructor(gateway: Omit<CgiGateway, "serverName" | "serverPort">) {
    this.#gateway = gateway;
  }

  /** The one for a connection. */
  of({ serverName, serverPort }: SocketFacts): CgiEnvirons {
    const known = this.#makers.get(serverName);
    if (known !== undefined) return known;
    const made = new CgiEnvirons({ ...this.#gateway, serverName, serverPort });
    this.#makers.set(serverName, made);
    return made;
  }
}
