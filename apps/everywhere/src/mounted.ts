import type { Application } from "@gateway/core";
import { mount } from "@gateway/router";
import app from "./app.ts";

/** The application at `/app` as well as at `/`, for front servers that hand the whole path on: it takes the prefix off itself. */
const mounted: Application = mount({ "/app": app }, app);
export default mounted;
