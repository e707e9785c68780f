export { CGIHandler, SimpleHandler, type CGIHandlerOptions, type SimpleHandlerOptions } from "./handlers.ts";
