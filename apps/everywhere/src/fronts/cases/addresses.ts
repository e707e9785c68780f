import { same } from "../same.ts";
import type { Site } from "../site.ts";
import type { FrontCase } from "./case.ts";

/** A case that asks for a path and looks at what the application makes of it. */
function path(name: string, sent: string, pathInfo: string): FrontCase {
  return {
    name,
    run: async (site) => {
      const environ = await site.environ(sent);
      same("SCRIPT_NAME", environ["SCRIPT_NAME"], site.prefix);
      same("PATH_INFO", environ["PATH_INFO"], pathInfo);
    },
  };
}

const client = (site: Site): Promise<Readonly<Record<string, unknown>>> => site.environ("/here?x=1");

/** Paths, queries, and where the request came to. */
export const addressCases: readonly FrontCase[] = [
  path("a path is split at the mount", "/environ/one", "/environ/one"),
  path("the root of the application", "/", "/"),
  {
    name: "the mount without its slash",
    run: async (site) => {
      if (site.prefix === "") return;
      const environ = await site.environ("");
      same("SCRIPT_NAME", environ["SCRIPT_NAME"], site.prefix);
      same("PATH_INFO", environ["PATH_INFO"], "");
    },
  },
  path("percent-encoding is decoded once", "/environ/a%20b%2541", "/environ/a b%41"),
  path("a path in UTF-8", "/environ/gr%C3%BC%C3%9Fe/%E2%82%AC", "/environ/grüße/€"),
  path("an octet that is not UTF-8", "/environ/%FF", "/environ/\uFFFD"),
  path("%2F", "/environ/a%2Fb", "/environ/a/b"),
  path("%3F and %23", "/environ/a%3Fb%23c", "/environ/a?b#c"),
  path("two slashes", "/environ//two", "/environ//two"),
  path("a slash at the end", "/environ/end/", "/environ/end/"),
  path("the other characters of a path", "/environ/!$&'()*+,;=:@-._~", "/environ/!$&'()*+,;=:@-._~"),
  {
    name: "the query as it was sent",
    run: async (site) => {
      const environ = await site.environ("/environ?q=%2F%20+&x=a=b&x=%C3%A9&%00?/");
      same("QUERY_STRING", environ["QUERY_STRING"], "q=%2F%20+&x=a=b&x=%C3%A9&%00?/");
    },
  },
  {
    name: "no query",
    run: async (site) => same("QUERY_STRING", (await site.environ("/environ"))["QUERY_STRING"], ""),
  },
  {
    name: "REQUEST_URI as it was sent",
    run: async (site) => {
      const environ = await site.environ("/environ/a%2Fb%41?x=%41");
      same("REQUEST_URI", environ["REQUEST_URI"], `${site.prefix}/environ/a%2Fb%41?x=%41`);
    },
  },
  {
    name: "the address of the request, with scheme, host and port",
    run: async (site) => same("address", (await client(site))["address"], `${site.origin}${site.prefix}/here?x=1`),
  },
  {
    name: "the address of the client",
    run: async (site) => same("REMOTE_ADDR", (await client(site))["REMOTE_ADDR"], "127.0.0.1"),
  },
  {
    name: "the protocol of the client",
    run: async (site) => same("SERVER_PROTOCOL", (await client(site))["SERVER_PROTOCOL"], "HTTP/1.1"),
  },
];
