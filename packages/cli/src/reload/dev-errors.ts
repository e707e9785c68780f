import { toApplication, type Application, type ApplicationLike, type Environ } from "@gateway/core";
import { errors } from "@gateway/errors";
import { failureError, type Failure } from "./failure.ts";

/** What a worker knows of the code that shall replace its own. */
export interface DevState {
  /** Why that could not boot (`reloadFailed`); `undefined` while it is not known to be bad. */
  failure: Failure | undefined;
}

/**
 * For `--reload` only: while the new code fails, people who open a page see why, and all other requests are still answered by the old code. The page is that of
 * `@gateway/errors`: it shows the source, where youch is installed, and of the request nothing that has the name of a secret. It shows nothing of the environment of the process.
 *
 * @param app the old code; `undefined` where there is none that boots: then every request is answered with the error.
 */
export function devErrors(app: ApplicationLike | undefined, state: DevState): Application {
  const page = errors({ debug: true, prefer: "html", onError() {} })(() => {
    throw state.failure === undefined ? new Error("it is well again") : failureError(state.failure);
  });
  const inner = app === undefined ? page : toApplication(app);
  return (environ, startResponse) =>
    state.failure !== undefined && isNavigation(environ) ? page(environ, startResponse) : inner(environ, startResponse);
}

/** Does somebody open a page, in a browser? Scripts, styles, images and requests of scripts are answered as before. */
function isNavigation({ REQUEST_METHOD: method, HTTP_ACCEPT: accept = "", HTTP_SEC_FETCH_DEST: destination }: Environ): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  if (typeof destination === "string") return destination === "document" || destination === "iframe" || destination === "frame";
  return accept.includes("text/html");
}
