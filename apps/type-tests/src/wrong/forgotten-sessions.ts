import { compose, type Application, type Environ } from "@gateway/core";
import { plain, router, type SessionEnviron } from "../layers.ts";

declare const site: Application<Environ & SessionEnviron>;

export const app: Application = compose(plain(), router())(site); // error: Property '"gateway.session"' is missing in type 'Environ'
