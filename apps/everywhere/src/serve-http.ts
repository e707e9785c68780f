import { makeServer } from "@gateway/server";
import behindProxy from "./behind-proxy.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";

/**
 * `node serve-http.js unix:/path`: for front servers that send all of a request before they look at the response (httpd, Varnish), and take
 * a connection that closes before that for a failure. Of a body that the application leaves unread, the server reads this much; how much
 * they send at most, they say in their own configuration.
 */
const drainBytes = 64 * 1024 * 1024;

await serveUntilStopped(makeServer(process.argv[2] ?? "", 0, behindProxy, { drainBytes }));
