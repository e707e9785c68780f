import { compose } from "@gateway/core";
import { login, oddSessions, plain } from "../layers.ts";

export const onion: unknown = compose(
  oddSessions(),
  plain(),
  login(), // error: is not assignable to type 'Mismatched<"gateway.session">'
);
