import { compose } from "@gateway/core";
import { audit, login, plain, sessions } from "../layers.ts";

export const onion: unknown = compose(
  compose(plain(), compose(login(), audit())), // error: is not assignable to type 'Misplaced<"gateway.session">'
  sessions(),
);
