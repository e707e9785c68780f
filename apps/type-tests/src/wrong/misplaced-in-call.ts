import { compose, type Application, type Environ } from "@gateway/core";
import { login, sessions, type UserEnviron } from "../layers.ts";

declare const site: Application<Environ & UserEnviron>;

export const app: Application<never> = compose(
  login(), // error: is not assignable to type 'Misplaced<"gateway.session">'
  sessions(),
)(site);
