import type { Application } from "@gateway/core";

export const app: Application = (environ, startResponse) => {
  startResponse("200 OK", [["X-Path", environ.PATH_INF]]); // error: Did you mean 'PATH_INFO'?
  return [];
};
