import { makeServer as makeFastcgiServer } from "@gateway/fastcgi";
import { makeClient } from "@gateway/fastcgi/client";
import { makeServer } from "@gateway/server";
import { comparedServers, type ComparedServer } from "@gateway/testing/adapters";

/** The servers of ours that an application is compared on. */
export const servers: readonly ComparedServer[] = comparedServers({ makeServer, makeFastcgiServer, makeClient });
