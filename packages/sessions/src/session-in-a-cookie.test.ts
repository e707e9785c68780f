import { describe, expect, it } from "vitest";
import { onion, page } from "./test-onion.ts";

const text = (body: string): Buffer => Buffer.from(body);
const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

describe("a session in a sealed cookie", () => {
  it("is never lost for its size: what would not fit is refused where it is put in", async () => {
    let refused: unknown;
    const http = onion(
      page((session) => {
        session.set("user", "Ada");
        try {
          session.set("big", "x".repeat(4000));
        } catch (error) {
          refused = error;
        }
        expect(() => session.flash("note", "x".repeat(4000))).toThrow(RangeError);
        expect(() => session.update("user", (user) => user?.repeat(2000))).toThrow(RangeError);
        return [session.get("user"), session.has("big")];
      }),
    );
    const response = await http.get("/");
    expect(response.json()).toEqual(["Ada", false]);
    expect(refused).toBeInstanceOf(RangeError);
    expect(String(refused)).toMatch(
      /the cookie would have \d+ octets, and browsers drop one of more than 4096, name and attributes included/,
    );
    expect(response.headers.getAll("Set-Cookie")).toHaveLength(1);
  });

  it("may have 4096 octets with name and attributes, and not one more", async () => {
    let largest = 0;
    const http = onion(
      page((session) => {
        for (let size = 2900; ; size++) {
          try {
            session.set("big", "x".repeat(size));
            largest = size;
          } catch {
            return size;
          }
        }
      }),
      { name: "a-longer-name", cookie: { maxAgeSeconds: 1000, priority: "high" } },
    );
    const [cookie = ""] = (await http.get("/")).headers.getAll("Set-Cookie");
    // Base64 grows by steps of one or two characters.
    expect(cookie.length).toBeGreaterThan(4094);
    expect(cookie.length).toBeLessThanOrEqual(4096);
    expect(largest).toBeGreaterThan(2900);
  });

  it("counts octets, not characters", async () => {
    const http = onion(page((session) => session.set("big", "😀".repeat(760))));
    expect((await http.get("/", { errors: "expected" })).errors).toContain("the cookie would have");
    const small = onion(page((session) => session.set("big", "😀".repeat(700))));
    expect((await small.get("/")).headers.get("Set-Cookie")?.length).toBeLessThanOrEqual(4096);
  });

  it("is not lost either where a function gives longer attributes than when it was measured", async () => {
    let path = "/";
    const http = onion(
      page((session) => {
        session.set("big", "x".repeat(2900));
        path = `/${"x".repeat(500)}`;
      }),
      { name: "app", cookie: () => ({ path }) },
    );
    const response = await http.get("/", { errors: "expected" });
    expect([response.status, response.headers.has("Set-Cookie")]).toEqual([500, false]);
    expect(response.errors).toContain("the cookie would have");
  });

  it("cannot be changed when the head has gone", async () => {
    const http = onion(async function* (environ, startResponse) {
      const session = environ["gateway.session"];
      session.set("count", 1);
      startResponse("200 OK", plain());
      yield text("some");
      expect(() => session.set("count", 2)).toThrow("the head of the answer has gone, and with it the cookie");
      expect(() => session.destroy()).toThrow("the head of the answer has gone");
      expect(session.get("count")).toBe(1);
    });
    expect((await http.get("/")).text()).toBe("some");
  });

  it("does not load anything", async () => {
    const http = onion(page((session) => [session.load() === undefined]));
    expect((await http.get("/")).json()).toEqual([true]);
  });
});
