// What a worker needs with `--reload` only, in one piece, so that it can be left out.
export { devErrors } from "../reload/dev-errors.ts";
export { describeFailure } from "../reload/failure.ts";
export { reportImports } from "../reload/imports.ts";
