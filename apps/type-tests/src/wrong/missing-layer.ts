import { compose, type Application, type Environ } from "@gateway/core";
import { audit, login, plain, type UserEnviron } from "../layers.ts";

declare const site: Application<Environ & UserEnviron>;

const onion = compose(plain(), login(), audit());
export const app: Application = onion(site); // error: Property '"gateway.session"' is missing in type 'Environ'
