import type { Application } from "@gateway/core";

/** The contract in three lines: an application is a function of the request and of what begins the response. */
const app: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [Buffer.from(`Hello from ${environ.PATH_INFO}\n`)];
};
export default app;
