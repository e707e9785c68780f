import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ApplicationLike, ErrorStream } from "@gateway/core";
import { errorsTo } from "../errors-to.ts";
import { cgiTransport, type CgiListening, type CgiRequest, type CgiResponse } from "./cgi-transport.ts";
import { CaseProcess } from "./other-process.ts";
import type { Transport, TransportHooks } from "./types.ts";

/** Where a server listens. */
type ConnectTo = { readonly port: number } | { readonly path: string };

/** What the servers of all protocols have. */
interface CgiServer {
  listen(): Promise<ConnectTo>;
  serveForever(): Promise<void>;
  shutdown(): Promise<void>;
}

/** A client of such a server. */
interface CgiClient {
  request(request: CgiRequest): Promise<CgiResponse>;
  close(): void;
}

/** A gateway that listens on a socket for a front server, and a client of its protocol. */
export interface CgiServersOptions {
  /** The protocol, in the names of the tests. */
  name: string;
  /** The package of the gateway, which has `makeServer`. */
  packageName: string;
  /** The folder of the tests: the other process imports the package from there. */
  from: URL;
  /** Whether a body without a length can be sent. */
  unknownLength: boolean;
  makeServer(
    host: string,
    port: number,
    app: ApplicationLike,
    options: { errors: ErrorStream; shutdownSeconds: number; stopIdleSeconds: number },
  ): CgiServer;
  makeClient: (connect: ConnectTo) => CgiClient;
}

/** What is particular to one transport. */
export interface CgiServerTransport {
  /** Shown in the names of the tests (default: the protocol, and over what). */
  name?: string;
  /** Cases that it cannot carry, by name, each with the reason (default: none but those that are for a front server). */
  lacks?: Readonly<Record<string, string>>;
  /** A client with other settings. */
  makeClient?: CgiServersOptions["makeClient"];
}

/** The transports of a gateway that listens on a socket: each case has a server of its own, but on the inherited descriptor. */
export class CgiServers {
  readonly #options: CgiServersOptions;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "gateway-conformance-"));
  #sockets = 0;
  #inherited: { readonly process: CaseProcess; readonly port: number } | undefined = undefined;

  constructor(options: CgiServersOptions) {
    this.#options = options;
  }

  overTcp(own: CgiServerTransport = {}): Transport {
    return this.#transport("over TCP", own, (app, hooks, makeClient) => this.#listen("127.0.0.1", app, hooks, makeClient));
  }

  overUnixSocket(own: CgiServerTransport = {}): Transport {
    return this.#transport("over a Unix socket", own, (app, hooks, makeClient) =>
      this.#listen(`unix:${join(this.#folder, `${this.#sockets++}.sock`)}`, app, hooks, makeClient),
    );
  }

  /** In another process, as mod_fcgid and lighttpd start it: with the listening socket in the place of the standard input. */
  onDescriptor(own: CgiServerTransport = {}): Transport {
    return this.#transport("on descriptor 0", own, async (_app, hooks, makeClient) => {
      this.#inherited ??= await this.#startProcess();
      const { process, port } = this.#inherited;
      await process.begin(hooks);
      const client = makeClient({ port });
      return { request: (request) => client.request(request), close: async () => client.close() };
    });
  }

  /** After all tests. */
  async stop(): Promise<void> {
    await this.#inherited?.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #transport(
    over: string,
    { name, lacks, makeClient = this.#options.makeClient }: CgiServerTransport,
    listen: (app: ApplicationLike, hooks: TransportHooks, makeClient: CgiServersOptions["makeClient"]) => Promise<CgiListening>,
  ): Transport {
    return cgiTransport({
      name: name ?? `${this.#options.name} ${over}`,
      unknownLength: this.#options.unknownLength,
      ...(lacks === undefined ? {} : { lacks }),
      listen: (app, hooks) => listen(app, hooks, makeClient),
    });
  }

  async #listen(
    host: string,
    app: ApplicationLike,
    hooks: TransportHooks,
    makeClient: CgiServersOptions["makeClient"],
  ): Promise<CgiListening> {
    const errors = errorsTo((text) => hooks.errors(text));
    const server = this.#options.makeServer(host, 0, app, { errors, shutdownSeconds: 1, stopIdleSeconds: 0 });
    const address = await server.listen();
    void server.serveForever();
    const client = makeClient(address);
    return {
      request: (request) => client.request(request),
      async close() {
        client.close();
        await server.shutdown();
      },
    };
  }

  async #startProcess(): Promise<{ process: CaseProcess; port: number }> {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { packageName, from } = this.#options;
    const source = `
      import { answerCases } from "@gateway/testing/conformance";
      import { makeServer } from ${JSON.stringify(packageName)};
      const { app, errors } = answerCases();
      await makeServer("fd://0", 0, app, { errors }).serveForever();`;
    return { process: CaseProcess.inheriting(listener, source, fileURLToPath(new URL(".", from))), port };
  }
}
