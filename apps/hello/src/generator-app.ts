import type { Application } from "@gateway/core";

/** The same as an asynchronous generator: it sends chunk after chunk, and may wait for anything in between. */
const app: Application = async function* (environ, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  yield Buffer.from("Hello from ");
  const path = await Promise.resolve(environ.PATH_INFO); // a database would be asked here
  yield Buffer.from(`${path}\n`);
};
export default app;
