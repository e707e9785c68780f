import { describe, expect, it } from "vitest";
import { parseBind } from "../bind.ts";
import { unservedSockets } from "./unserved-sockets.ts";

describe("unservedSockets", () => {
  it.each([
    [["127.0.0.1:80"], { LISTEN_FDS: "2" }, ["fd://3", "fd://4"]],
    [["127.0.0.1:80", "fd://3"], { LISTEN_FDS: "2", LISTEN_PID: String(process.pid) }, ["fd://4"]],
    [["fd://3", "fd://4"], { LISTEN_FDS: "2" }, []],
    [["127.0.0.1:80"], { LISTEN_FDS: "2", LISTEN_PID: "1" }, []],
    [["127.0.0.1:80"], { LISTEN_FDS: "0" }, []],
    [["127.0.0.1:80"], { LISTEN_FDS: "" }, []],
    [["127.0.0.1:80"], { LISTEN_FDS: "nonsense" }, []],
    [["127.0.0.1:80"], {}, []],
  ])("of binds %j and %j", (binds, environment, unserved) => {
    expect(
      unservedSockets(
        binds.map((text) => parseBind(text)),
        environment,
      ),
    ).toEqual(unserved);
  });
});
