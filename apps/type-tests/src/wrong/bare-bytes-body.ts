import type { Application } from "@gateway/core";

// error: Type 'number' is not assignable to type 'Uint8Array<ArrayBufferLike>'
export const app: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return new TextEncoder().encode("Hello");
};
