import { describe, expect, it } from "vitest";
import { Deadline, Deadlines, systemClock } from "./deadlines.ts";
import { TestClock } from "./test-clock.ts";

class Noted extends Deadline {
  readonly notes: string[];
  readonly name: string;

  constructor(notes: string[], name: string) {
    super();
    this.notes = notes;
    this.name = name;
  }

  expire(): void {
    this.notes.push(this.name);
  }
}

describe("Deadlines", () => {
  it("expires each after its time, late by a tenth at most, in order", () => {
    const clock = new TestClock();
    const deadlines = new Deadlines(1000, clock);
    const notes: string[] = [];
    deadlines.add(new Noted(notes, "a"));
    clock.advance(550);
    deadlines.add(new Noted(notes, "b"));
    clock.advance(449);
    expect(notes).toEqual([]);
    clock.advance(1);
    expect(notes).toEqual(["a"]);
    clock.advance(549);
    expect(notes).toEqual(["a"]);
    clock.advance(101);
    expect(notes).toEqual(["a", "b"]);
    expect(deadlines.count).toBe(0);
  });

  it("forgets those that were in time, wherever they stand", () => {
    const clock = new TestClock();
    const deadlines = new Deadlines(1000, clock);
    const notes: string[] = [];
    const all = ["a", "b", "c", "d", "e"].map((name) => new Noted(notes, name));
    for (const one of all) deadlines.add(one);
    for (const at of [2, 0, 4]) deadlines.remove(all[at] as Noted);
    deadlines.remove(all[2] as Noted);
    expect(deadlines.count).toBe(2);
    clock.advance(1100);
    expect(notes).toEqual(["b", "d"]);
  });

  it("has one timer for all, and none when there is nothing to wait for", () => {
    const clock = new TestClock();
    const deadlines = new Deadlines(1000, clock);
    const all = Array.from({ length: 100 }, () => new Noted([], ""));
    for (const one of all) deadlines.add(one);
    expect(clock.timers.length).toBe(1);
    for (const one of all) deadlines.remove(one);
    clock.advance(100);
    expect(clock.timers.length).toBe(0);
    deadlines.add(new Noted([], ""));
    expect(clock.timers.length).toBe(1);
  });

  it("lets a deadline add another while it expires", () => {
    const clock = new TestClock();
    const deadlines = new Deadlines(100, clock);
    const notes: string[] = [];
    class Again extends Noted {
      override expire(): void {
        super.expire();
        deadlines.add(new Noted(notes, "second"));
      }
    }
    deadlines.add(new Again(notes, "first"));
    clock.advance(110);
    expect(notes).toEqual(["first"]);
    clock.advance(110);
    expect(notes).toEqual(["first", "second"]);
  });

  it("gives the oldest", () => {
    const deadlines = new Deadlines(Infinity, new TestClock());
    const [a, b] = [new Noted([], "a"), new Noted([], "b")];
    deadlines.add(a);
    deadlines.add(b);
    expect(deadlines.shift()).toBe(a);
    expect(deadlines.shift()).toBe(b);
    expect(deadlines.shift()).toBeUndefined();
  });

  it("has no timer for those that last for ever", () => {
    const clock = new TestClock();
    new Deadlines(Infinity, clock).add(new Noted([], ""));
    expect(clock.timers.length).toBe(0);
  });
});

describe("systemClock", () => {
  it("does not keep the process alive", () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const stop = systemClock.every(60_000, () => {});
    // A timer that does is listed.
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBe(before);
    stop();
    expect(systemClock.now()).toBeLessThanOrEqual(systemClock.now());
  });
});
