import type { Application } from "@gateway/core";

// error: Type 'string' is not assignable to type 'Promise<ResponseBody> | ResponseBody'
export const app: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return "Hello";
};
