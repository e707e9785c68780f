import { CGIHandler } from "@gateway/cgi";
import app from "./app.ts";

await new CGIHandler().run(app);
