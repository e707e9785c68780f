import { compose, type Application } from "@gateway/core";
import { plain, router } from "../layers.ts";

export const app: Application = compose(
  plain(),
  router(),
)((environ, startResponse) => {
  const { size } = environ["gateway.session"]; // error: Property 'size' does not exist on type 'unknown'
  startResponse("200 OK", [["X-Size", String(size)]]);
  return [];
});
