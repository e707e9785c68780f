import type { ApplicationObject, Environ, ResponseBody, StartResponse } from "@gateway/core";

/** The same as an object with `call`: one instance serves all requests, so it can hold settings, and what they share. */
class Greeter implements ApplicationObject {
  readonly #greeting: string;

  constructor(greeting: string) {
    this.#greeting = greeting;
  }

  call(environ: Environ, startResponse: StartResponse): ResponseBody {
    startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
    return [Buffer.from(`${this.#greeting} from ${environ.PATH_INFO}\n`)];
  }
}

const app: ApplicationObject = new Greeter("Hello");
export default app;
