import { describe, expect, it } from "vitest";
import { namedByConnection } from "./gateway.ts";

describe("namedByConnection", () => {
  it.each([
    ["", []],
    ["close", ["close"]],
    ["Keep-Alive, X-Hop", ["keep-alive", "x-hop"]],
    [" ,\tX-A ,, X-B\t", ["x-a", "x-b"]],
  ])("gives the names in %j, in lower case", (connection, names) => {
    expect(namedByConnection(connection)).toEqual(names);
  });

  it.each(["Host", "Cookie", "authorization", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-", "Content-Type"])(
    "does not let a client take %s away",
    (name) => {
      expect(namedByConnection(`close, ${name}, x-hop`)).toEqual(["close", "x-hop"]);
    },
  );
});
