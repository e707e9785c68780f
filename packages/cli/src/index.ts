export { loadApplication } from "./load-application.ts";
export { StartError } from "./start-error.ts";
