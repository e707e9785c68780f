import { FrontClient, type Answer, type FrontRequest } from "./front-client.ts";

/** Where a front server has the application. */
export interface Mount {
  readonly name: "at /" | "at /app" | "over TLS";
  readonly prefix: "" | "/app";
  readonly scheme: "http" | "https";
}

/** The three listeners of a configuration. */
export const mounts: readonly Mount[] = [
  { name: "at /", prefix: "", scheme: "http" },
  { name: "at /app", prefix: "/app", scheme: "http" },
  { name: "over TLS", prefix: "", scheme: "https" },
];

/** The application at one of its mounts, as a case sees it. */
export interface Site extends Mount {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly client: FrontClient;
  /** Sends a request; the path is below the mount. */
  send(method: string, path: string, request?: FrontRequest): Promise<Answer>;
  /** What the application says of a request: its environ. */
  environ(path: string, request?: FrontRequest & { readonly method?: string }): Promise<Readonly<Record<string, unknown>>>;
  /** Whether each request is a process of its own (CGI). */
  readonly startsEachRequest: boolean;
  /** A name that nobody else uses. */
  newName(): string;
  /** How often the body with this name was closed, once it was at all. */
  closings(name: string): Promise<number>;
}

/** What a {@link Site} needs of the running pair. */
export interface SiteFacts {
  readonly port: number;
  readonly certificate: string | undefined;
  readonly startsEachRequest: boolean;
  readonly newName: () => string;
  readonly closings: (name: string) => Promise<number>;
}

/** Makes a site. */
export function siteAt(mount: Mount, { port, certificate, ...facts }: SiteFacts): Site {
  const client = new FrontClient(port, certificate);
  const send: Site["send"] = (method, path, request) => client.send(method, mount.prefix + path, request);
  return {
    ...mount,
    origin: `${mount.scheme}://127.0.0.1:${port}`,
    client,
    send,
    environ: async (path, request = {}) => {
      const { method = "GET", ...rest } = request;
      const answer = await send(method, path, rest);
      if (answer.status !== 200) throw new Error(`status: ${answer.status} instead of 200`);
      return JSON.parse(answer.text) as Record<string, unknown>;
    },
    ...facts,
  };
}
