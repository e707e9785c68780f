import { compose, type Application } from "@gateway/core";
import { forwarded } from "@gateway/forwarded";
import mounted from "./mounted.ts";

/**
 * The application for front servers that speak HTTP to it. They say in headers what the other protocols have variables for: who the client
 * is, and whether it came over TLS. Nobody but the front server reaches the Unix socket, so what comes over it is believed.
 */
const behindProxy: Application = compose(forwarded({ trust: ["unix"] }))(mounted);
export default behindProxy;
