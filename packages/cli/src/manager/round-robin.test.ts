import { describe, expect, it } from "vitest";
import { RoundRobin } from "./round-robin.ts";

/** A spread, and what it sent to whom. */
function spread(limit = Infinity): { spread: RoundRobin<string>; sent: [number, string][] } {
  const sent: [number, string][] = [];
  return { spread: new RoundRobin<string>(limit, (worker, connection) => sent.push([worker, connection])), sent };
}

describe("RoundRobin", () => {
  it("gives each worker its turn", () => {
    const { spread: it, sent } = spread();
    for (const worker of [1, 2, 3]) it.add(worker);
    for (const [at, connection] of ["a", "b", "c", "d", "e", "f"].entries()) {
      it.offer(connection);
      expect(it.taken(sent[at]?.[0] ?? 0, 1)).toBe(connection);
    }
    expect(sent.map(([worker]) => worker)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("gives a worker that has not answered no second one", () => {
    const { spread: it, sent } = spread();
    it.add(1);
    it.add(2);
    it.offer("a");
    for (const connection of "bcd") {
      it.offer(connection);
      it.taken(2, 1);
    }
    expect(sent).toEqual([
      [1, "a"],
      [2, "b"],
      [2, "c"],
      [2, "d"],
    ]);
  });

  it("lets connections wait for the first worker, in their order", () => {
    const { spread: it, sent } = spread();
    it.offer("a");
    it.offer("b");
    expect(it.waiting).toBe(2);
    it.add(1);
    it.taken(1, 1);
    expect(sent).toEqual([
      [1, "a"],
      [1, "b"],
    ]);
    expect(it.isIdle).toBe(false);
    it.taken(1, 2);
    expect(it.isIdle).toBe(true);
  });

  it("gives what a dying worker had not taken to another, before all that wait", () => {
    const { spread: it, sent } = spread();
    it.add(1);
    it.offer("a");
    it.offer("b");
    it.died(1);
    it.add(2);
    it.taken(2, 1);
    expect(sent).toEqual([
      [1, "a"],
      [2, "a"],
      [2, "b"],
    ]);
  });

  it("gives nothing again that was taken", () => {
    const { spread: it, sent } = spread();
    it.add(1);
    it.offer("a");
    it.taken(1, 1);
    it.died(1);
    it.add(2);
    expect(sent).toEqual([[1, "a"]]);
    expect(it.taken(1, 1)).toBeUndefined();
  });

  it("tells when a worker that leaves has taken what it was sent", () => {
    const { spread: it, sent } = spread();
    const told: string[] = [];
    it.add(1);
    it.remove(1, () => told.push("idle at once"));
    it.add(2);
    it.offer("a");
    it.remove(2, () => told.push("idle later"));
    it.offer("b");
    expect(told).toEqual(["idle at once"]);
    it.taken(2, 1);
    expect(told).toEqual(["idle at once", "idle later"]);
    expect(sent).toEqual([[2, "a"]]);
    expect(it.clear()).toEqual(["b"]);
  });

  it("knows when there is nobody left who could take what waits", () => {
    const { spread: it } = spread();
    expect(it.isDeserted).toBe(true);
    it.add(1);
    it.offer("a");
    it.remove(1, () => {});
    expect(it.isDeserted).toBe(false);
    it.died(1);
    expect(it.isDeserted).toBe(true);
    expect(it.waiting).toBe(1);
  });

  it("gives what a leaving worker had not taken to another when it dies", () => {
    const { spread: it, sent } = spread();
    it.add(1);
    it.offer("a");
    it.remove(1, () => {});
    it.died(1);
    it.add(2);
    expect(sent).toEqual([
      [1, "a"],
      [2, "a"],
    ]);
  });

  it("passes over full workers, until they have room; when all are full each gets its turn", () => {
    const { spread: it, sent } = spread(2);
    it.add(1);
    it.add(2);
    const offer = (connection: string, open: number): void => {
      it.offer(connection);
      it.taken(sent.at(-1)?.[0] ?? 0, open);
    };
    offer("a", 2);
    offer("b", 1);
    offer("c", 2);
    offer("d", 2);
    expect(sent.map(([worker]) => worker)).toEqual([1, 2, 2, 1]);
    it.room(2, 1);
    offer("e", 2);
    expect(sent.at(-1)).toEqual([2, "e"]);
  });
});
