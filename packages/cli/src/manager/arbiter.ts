import type { ReloadResult, RestartCause, WorkerNumbers, WorkerState } from "./status.ts";

/** How long a worker must have served to count as sound: one that dies earlier may be the next round of a crash loop. */
const soundMilliseconds = 10_000;
/** From the second failure of a place in a row on: doubled each time. */
const firstPauseMilliseconds = 500;
const longestPauseMilliseconds = 30_000;
/** Beyond `timeout`: for the stack of the blocked loop to be taken and written. */
const stackMilliseconds = 300;
/** Beyond `gracefulTimeout`: for the `shutdown` of the application, and for what the worker has to write. */
const lastWordsMilliseconds = 2000;
/** What a worker that is told to quit may take to run its exit handlers. */
const quitMilliseconds = 500;
/** When a timer is so late, it was this very process that stood still, and the heartbeats of the workers wait unread. */
const stalledMilliseconds = 500;

/** What the arbiter goes by. */
export interface ArbiterSettings {
  readonly workers: number;
  /** In seconds, as in `Settings`. */
  readonly timeout: number;
  readonly bootTimeout: number;
  readonly gracefulTimeout: number;
  readonly drainDelay: number;
}

/** The name of a worker: what is needed to start it. */
export interface WorkerName {
  readonly id: number;
  readonly index: number;
  readonly generation: number;
}

/** What the arbiter does to the world. None of these may call back before it returns. */
interface ArbiterEffects {
  /** Starts a worker. */
  spawn(worker: WorkerName): void;
  /** The worker may get connections. */
  admit(id: number): void;
  /** The worker gets no further connections, and ends when it has finished those it has. */
  drain(id: number): void;
  /** The worker ends now, after its exit handlers. */
  quit(id: number): void;
  /** The worker is killed. */
  kill(id: number): void;
  /** The worker shall know that it will be drained, after `drainDelay`. */
  announce(id: number): void;
  /** No further connections; {@link Arbiter.listeningClosed} is called when all that were waiting are with a worker. */
  closeListening(): void;
  /** All is over. */
  ended(failure: BootFailure | undefined): void;
  log(level: "info" | "warning" | "error", text: string, detail?: string): void;
}

/** Why a worker did not get ready. */
export interface BootFailure {
  readonly message: string;
  readonly detail: string | undefined;
}

/** Time: `now` never goes back, `date` is that of the calendar. Both in milliseconds. */
interface ArbiterClock {
  now(): number;
  date(): number;
}

/** A worker, as the arbiter sees it. */
interface Member extends WorkerName {
  state: WorkerState;
  since: number;
  readonly startedAt: number;
  readyAt: number;
  lastBeat: number;
  numbers: WorkerNumbers | undefined;
  /** When it is killed for what it is doing now. */
  deadline: number;
  /** It is to be replaced, when its turn comes. */
  recycle: RestartCause | undefined;
  /** The one that goes when this one is ready. */
  readonly replaces: number | undefined;
  /** It said itself why it could not boot, or was told to go while it did. */
  failed: boolean;
}

/** One place among the workers, and how often in a row whoever had it came to a bad end. */
interface Place {
  failures: number;
  notBefore: number;
}

interface Reload {
  readonly generation: number;
  /** What holds again when it fails. */
  readonly before: { readonly settings: ArbiterSettings; wanted: number };
  readonly finish: (result: ReloadResult) => void;
}

const leavingStates: ReadonlySet<WorkerState> = new Set<WorkerState>(["draining", "stopping", "blocked"]);

/**
 * Decides which workers there are: starts, replaces and ends them. It knows no process, no socket and no timer: it is told what happened, says
 * what is to be done, and asks to be woken at {@link nextDeadline}.
 *
 * The rules: the first worker boots alone, and when that fails, all is over. A worker that dies is replaced at once; from the second time in a
 * row on after a pause, which doubles. A replacement (a reload, too many requests, too much memory) is ready before the old one goes, and there is
 * one at a time. A reload whose new worker does not get ready ends there.
 */
export class Arbiter {
  #settings: ArbiterSettings;
  readonly #effects: ArbiterEffects;
  readonly #clock: ArbiterClock;
  readonly #members = new Map<number, Member>();
  readonly #places = new Map<number, Place>();
  #wanted: number;
  #lastId = 0;
  /** Of the last reload that was tried, and of the last that came to its end. */
  #tried = 1;
  #generation = 1;
  #phase: "starting" | "serving" | "paused" | "draining" | "closing" | "stopping" | "ended" = "starting";
  #drainUntil = Infinity;
  #reload: Reload | undefined = undefined;
  #wakeAt = Infinity;
  #fatal: BootFailure | undefined = undefined;
  readonly restarts: Record<RestartCause, number> = {
    crash: 0,
    boot: 0,
    timeout: 0,
    "max-requests": 0,
    "max-memory": 0,
    reload: 0,
    asked: 0,
  };
  readonly reloads: { tried: number; failed: number } = { tried: 0, failed: 0 };

  constructor(settings: ArbiterSettings, effects: ArbiterEffects, clock: ArbiterClock) {
    this.#settings = settings;
    this.#wanted = settings.workers;
    this.#effects = effects;
    this.#clock = clock;
  }

  get members(): readonly Readonly<Member>[] {
    return [...this.#members.values()];
  }

  get wanted(): number {
    return this.#wanted;
  }

  get generation(): number {
    return this.#generation;
  }

  get isReloading(): boolean {
    return this.#reload !== undefined;
  }

  get phase(): "starting" | "serving" | "paused" | "draining" | "stopping" {
    if (this.#phase === "closing" || this.#phase === "ended") return "stopping";
    return this.#phase;
  }

  /** On the clock of `now`; `Infinity`: nothing is to be done until something happens. */
  get nextDeadline(): number {
    return this.#wakeAt;
  }

  /** What is asked of it. */

  start(): void {
    this.#settle();
  }

  /** Replaces all workers. The next one waits, in the caller's hands: there is one at a time. */
  reload(settings: ArbiterSettings): Promise<ReloadResult> {
    return new Promise((finish) => {
      this.reloads.tried++;
      if (this.#isEnding) return this.#refuseReload(finish, "the server is stopping");
      if (this.#reload !== undefined) return this.#refuseReload(finish, "a reload is under way");
      this.#tried++;
      this.#reload = { generation: this.#tried, finish, before: { settings: this.#settings, wanted: this.#wanted } };
      this.#settings = settings;
      this.#wanted = settings.workers;
      if (this.#phase === "paused") this.#phase = "serving";
      // Somebody mended something: what failed before is tried again at once.
      this.#places.clear();
      for (const member of this.#members.values()) if (member.state === "booting") this.#end(member, "stopping");
      this.#settle();
    });
  }

  /** So many workers from now on. */
  scale(wanted: number): void {
    this.#wanted = wanted;
    if (this.#reload !== undefined) this.#reload.before.wanted = wanted;
    if (this.#phase === "paused") this.#phase = "serving";
    this.#settle();
  }

  /** All workers end; the sockets stay open. A reload or {@link scale} brings them back. */
  pause(): void {
    if (this.#isEnding || this.#phase === "draining") return;
    this.#phase = "paused";
    this.#failReload("the workers were stopped");
    for (const member of this.#members.values()) this.#end(member, "draining");
    this.#settle();
  }

  /** Ends all. The second call may be quicker than the first, never slower. */
  stop(graceful: boolean): void {
    if (this.#phase === "ended") return;
    if (!graceful) {
      this.#phase = "stopping";
      this.#failReload("the server is stopping");
      for (const member of this.#members.values()) this.#quit(member);
    } else if (!this.#isEnding && this.#phase !== "draining") {
      this.#failReload("the server is stopping");
      const delay = this.#settings.drainDelay * 1000;
      this.#drainUntil = this.#clock.now() + delay;
      this.#phase = "draining";
      if (delay === 0) this.#close();
      else for (const { id, state } of this.#members.values()) if (state === "ready") this.#effects.announce(id);
    }
    this.#settle();
  }

  /** What happened. */

  /** The sockets are closed, and every connection is with a worker. */
  listeningClosed(): void {
    if (this.#phase !== "closing") return;
    this.#phase = "stopping";
    for (const member of this.#members.values()) this.#end(member, "draining");
    this.#settle();
  }

  ready(id: number): void {
    const member = this.#members.get(id);
    if (member?.state !== "booting") return;
    this.#become(member, "ready");
    member.readyAt = member.lastBeat = this.#clock.now();
    member.deadline = Infinity;
    this.#effects.admit(id);
    if (this.#phase === "draining") this.#effects.announce(id);
    if (this.#phase === "starting") this.#phase = "serving";
    const old = member.replaces === undefined ? undefined : this.#members.get(member.replaces);
    if (old !== undefined && !leavingStates.has(old.state)) {
      this.restarts[old.recycle ?? "reload"]++;
      this.#end(old, "draining");
    }
    this.#settle();
  }

  /** It says why it does not get ready; its end follows. */
  bootFailed(id: number, failure: BootFailure): void {
    const member = this.#members.get(id);
    if (member?.state !== "booting" || member.failed) return;
    member.failed = true;
    this.#notReady(member, failure);
    this.#settle();
  }

  heartbeat(id: number, numbers: WorkerNumbers): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.lastBeat = this.#clock.now();
    member.numbers = numbers;
  }

  /** It is to be replaced: it serves on until the new one is ready. */
  recycle(id: number, cause: RestartCause): void {
    const member = this.#members.get(id);
    if (member?.state !== "ready" || member.recycle !== undefined) return;
    member.recycle = cause;
    this.#settle();
  }

  exited(id: number, how: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    if (member.state === "booting" && !member.failed) {
      this.#notReady(member, { message: `it ended before it was ready: ${how}`, detail: undefined });
    } else if (member.state === "ready") {
      const sound = this.#clock.now() - member.readyAt >= soundMilliseconds;
      this.#failed(member.index, sound);
      this.restarts.crash++;
      this.#effects.log("error", `worker ${id} ended unexpectedly: ${how}${this.#nextTry(member.index)}`);
    }
    this.#settle();
  }

  /** Time has passed: {@link nextDeadline} is over. */
  wake(): void {
    const now = this.#clock.now();
    const late = now - this.#wakeAt;
    for (const member of this.#members.values()) {
      if (late > stalledMilliseconds) member.lastBeat = Math.max(member.lastBeat, now - this.#timeout + 1000);
      if (now >= this.#blockedAt(member)) this.#replaceBlocked(member);
      else if (now >= member.deadline) this.#expire(member);
    }
    if (this.#phase === "draining" && now >= this.#drainUntil) this.#close();
    this.#settle();
  }

  // How it decides.

  get #isEnding(): boolean {
    return this.#phase === "closing" || this.#phase === "stopping" || this.#phase === "ended";
  }

  get #timeout(): number {
    return this.#settings.timeout === 0 ? Infinity : this.#settings.timeout * 1000;
  }

  #blockedAt({ state, lastBeat }: Member): number {
    return state === "ready" || state === "draining" ? lastBeat + this.#timeout + stackMilliseconds : Infinity;
  }

  /** Brings what is to what should be, and says when to look again. */
  #settle(): void {
    if (this.#phase === "ended") return;
    if (this.#isEnding || this.#phase === "paused") {
      if (this.#phase === "stopping" && this.#members.size === 0) {
        this.#phase = "ended";
        this.#effects.ended(this.#fatal);
      }
    } else {
      this.#fillPlaces();
      this.#dropSurplus();
      this.#replaceNext();
      this.#checkReload();
    }
    this.#wakeAt = this.#nextWake();
  }

  #fillPlaces(): void {
    const now = this.#clock.now();
    // The first shows whether the application can be loaded at all.
    const places = this.#phase === "starting" ? 1 : this.#isProven() ? this.#wanted : Math.min(this.#wanted, this.#wantedBefore);
    for (let index = 0; index < places; index++) {
      if (this.#serving(index) === undefined && now >= this.#place(index).notBefore) this.#spawn(index, undefined);
    }
  }

  #dropSurplus(): void {
    const places = this.#isProven() ? this.#wanted : Math.max(this.#wanted, this.#wantedBefore);
    for (const member of this.#members.values()) if (member.index >= places) this.#end(member, "draining");
  }

  get #wantedBefore(): number {
    return this.#reload?.before.wanted ?? this.#wanted;
  }

  /** Whether the code of the reload that is under way, if there is one, has got ready in one worker: until then its number of workers does not hold. */
  #isProven(): boolean {
    const reload = this.#reload;
    if (reload === undefined) return true;
    return [...this.#members.values()].some(({ state, generation }) => state === "ready" && generation >= reload.generation);
  }

  #replaceNext(): void {
    const members = [...this.#members.values()].filter(({ state }) => !leavingStates.has(state));
    if (members.some(({ state }) => state === "booting")) return;
    const now = this.#clock.now();
    const next = members.find((member) => this.#isOutdated(member) && now >= this.#place(member.index).notBefore);
    if (next !== undefined) this.#spawn(next.index, next.id);
  }

  #isOutdated({ recycle, generation }: Member): boolean {
    return recycle !== undefined || (this.#reload !== undefined && generation < this.#reload.generation);
  }

  #checkReload(): void {
    const reload = this.#reload;
    if (reload === undefined) return;
    for (let index = 0; index < this.#wanted; index++) {
      const isNew = ({ index: at, state, generation }: Member): boolean =>
        at === index && state === "ready" && generation >= reload.generation;
      if (![...this.#members.values()].some(isNew)) return;
    }
    this.#reload = undefined;
    this.#generation = reload.generation;
    const count = this.#wanted === 1 ? "1 worker" : `${this.#wanted} workers`;
    reload.finish({ ok: true, generation: this.#generation, message: `reloaded: ${count} of generation ${this.#generation}` });
  }

  #spawn(index: number, replaces: number | undefined): void {
    const id = ++this.#lastId;
    const now = this.#clock.now();
    const date = this.#clock.date();
    const member: Member = {
      id,
      index,
      generation: this.#reload?.generation ?? this.#generation,
      state: "booting",
      since: date,
      startedAt: date,
      readyAt: Infinity,
      lastBeat: now,
      numbers: undefined,
      deadline: this.#settings.bootTimeout === 0 ? Infinity : now + this.#settings.bootTimeout * 1000,
      recycle: undefined,
      replaces,
      failed: false,
    };
    this.#members.set(id, member);
    this.#effects.spawn(member);
  }

  /** Whoever has the place, or will have it when it has booted. */
  #serving(index: number): Member | undefined {
    return [...this.#members.values()].find((member) => member.index === index && !leavingStates.has(member.state));
  }

  #place(index: number): Place {
    let place = this.#places.get(index);
    if (place === undefined) this.#places.set(index, (place = { failures: 0, notBefore: 0 }));
    return place;
  }

  /** @param sound whether it had served for long: then it is no crash loop. */
  #failed(index: number, sound: boolean): void {
    const place = this.#place(index);
    place.failures = sound ? 1 : place.failures + 1;
    const pause = place.failures === 1 ? 0 : firstPauseMilliseconds * 2 ** (place.failures - 2);
    place.notBefore = this.#clock.now() + Math.min(pause, longestPauseMilliseconds);
  }

  #notReady(member: Member, failure: BootFailure): void {
    if (this.#isEnding || this.#phase === "paused") return;
    this.restarts.boot++;
    this.#failed(member.index, false);
    if (this.#phase === "starting" || (this.#phase === "draining" && this.#neverReady())) {
      this.#fatal = failure;
      this.#phase = "stopping";
      this.#effects.log("error", failure.message, failure.detail);
      return;
    }
    if (this.#reload !== undefined && member.generation === this.#reload.generation) {
      this.#failReload(failure.message, failure.detail);
    }
    const next = this.#nextTry(member.index);
    this.#effects.log("error", `worker ${member.id} did not get ready: ${failure.message}${next}`, failure.detail);
  }

  /** When somebody else has the place, where that is not at once: in words, for the end of a line. */
  #nextTry(index: number): string {
    const pause = Math.max(0, this.#place(index).notBefore - this.#clock.now());
    return pause === 0 ? "" : ` (the next try in ${Math.ceil(pause / 100) / 10} seconds)`;
  }

  #neverReady(): boolean {
    return ![...this.#members.values()].some(({ readyAt }) => readyAt !== Infinity);
  }

  #refuseReload(finish: (result: ReloadResult) => void, message: string): void {
    this.reloads.failed++;
    finish({ ok: false, generation: this.#generation, message });
  }

  #failReload(message: string, detail?: string): void {
    const reload = this.#reload;
    if (reload === undefined) return;
    this.#reload = undefined;
    this.#settings = reload.before.settings;
    this.#wanted = reload.before.wanted;
    this.reloads.failed++;
    const renewed = [...this.#members.values()].filter(
      ({ state, generation }) => state === "ready" && generation === reload.generation,
    ).length;
    const mixed =
      renewed === 0 ? "" : ` (${renewed} of ${this.#wanted} workers have the new code already: mend it and reload again)`;
    const result = { ok: false, generation: this.#generation, message: `the reload was given up: ${message}${mixed}` };
    reload.finish(detail === undefined ? result : { ...result, detail });
  }

  #replaceBlocked(member: Member): void {
    this.restarts.timeout++;
    this.#become(member, "blocked");
    member.deadline = Infinity;
    this.#effects.log("error", `worker ${member.id} gave no sign of life for ${this.#settings.timeout} seconds: it is replaced`);
    this.#effects.kill(member.id);
  }

  #expire(member: Member): void {
    member.deadline = Infinity;
    if (member.state === "booting") {
      member.failed = true;
      this.#notReady(member, { message: `it was not ready after ${this.#settings.bootTimeout} seconds`, detail: undefined });
    } else {
      this.#effects.log("warning", `worker ${member.id} did not end in time: it is killed`);
    }
    this.#become(member, "stopping");
    this.#effects.kill(member.id);
  }

  /** No further connections: first those in the backlog, then the workers. */
  #close(): void {
    this.#phase = "closing";
    for (const member of this.#members.values()) if (member.state === "booting") this.#end(member, "stopping");
    this.#effects.closeListening();
  }

  #end(member: Member, state: "draining" | "stopping"): void {
    if (leavingStates.has(member.state)) return;
    if (state === "stopping" || member.state === "booting") {
      this.#become(member, "stopping");
      member.deadline = Infinity;
      this.#effects.kill(member.id);
      return;
    }
    this.#become(member, "draining");
    member.deadline = this.#clock.now() + this.#settings.gracefulTimeout * 1000 + lastWordsMilliseconds;
    this.#effects.drain(member.id);
  }

  #quit(member: Member): void {
    if (member.state === "stopping" || member.state === "blocked") return;
    this.#become(member, "stopping");
    member.deadline = this.#clock.now() + quitMilliseconds;
    this.#effects.quit(member.id);
  }

  #become(member: Member, state: WorkerState): void {
    member.state = state;
    member.since = this.#clock.date();
  }

  #nextWake(): number {
    let next = this.#phase === "draining" ? this.#drainUntil : Infinity;
    for (const member of this.#members.values()) next = Math.min(next, member.deadline, this.#blockedAt(member));
    if (this.#isEnding || this.#phase === "paused") return next;
    for (const [index, { notBefore }] of this.#places) {
      if (notBefore > this.#clock.now() && index < this.#wanted) next = Math.min(next, notBefore);
    }
    return next;
  }
}
