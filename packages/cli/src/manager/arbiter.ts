import type { ArbiterClock, ArbiterEffects, ArbiterSettings, BootFailure } from "./arbiter-world.ts";
import { blockedAt, bootDeadline, drainDeadline, heardUntil, isSound, quitDeadline } from "./deadlines.ts";
import { isLeaving, Members, type Member } from "./members.ts";
import { endedEarlyText, notEndedText, notReadyText } from "./member-texts.ts";
import type { ApplicationFunction } from "./messages.ts";
import { Places } from "./places.ts";
import { noRestarts } from "./restart-counts.ts";
import { RollingReload } from "./rolling-reload.ts";
import type { ReloadResult, RestartCause, WorkerNumbers, WorkerState } from "./status.ts";

/**
 * Decides which workers there are: starts, replaces and ends them. It knows no process, no socket and no timer: it is told what happened, says
 * what is to be done, and asks to be woken at {@link nextDeadline}.
 *
 * The rules: the first worker boots alone, and when that fails, all is over, but with `reload` others stand in that only show why. Of the others as many
 * boot at the same time as there are CPUs. A worker that dies is replaced at once; from the second time in a
 * row on after a pause, which doubles. A replacement (a reload, too many requests, too much memory) is ready before the old one goes, and there is
 * one at a time. A reload whose new worker does not get ready ends there.
 */
export class Arbiter {
  #settings: ArbiterSettings;
  readonly #effects: ArbiterEffects;
  readonly #clock: ArbiterClock;
  readonly #bootingAtOnce: number;
  readonly #members = new Members();
  readonly #places = new Places();
  #wanted: number;
  /** Of the last reload that was tried, and of the last that came to its end. */
  #tried = 1;
  #generation = 1;
  #phase: "starting" | "serving" | "paused" | "draining" | "closing" | "stopping" | "ended" = "starting";
  #drainUntil = Infinity;
  #reload: RollingReload<ArbiterSettings> | undefined = undefined;
  #wakeAt = Infinity;
  #fatal: BootFailure | undefined = undefined;
  /** Why no application has booted yet, where others stand in. */
  #unbootable: BootFailure | undefined = undefined;
  readonly restarts: Record<RestartCause, number> = noRestarts();
  readonly reloads: { tried: number; failed: number } = { tried: 0, failed: 0 };

  /** @param cpus how many there are: more workers, but two, do not boot at the same time. */
  constructor(settings: ArbiterSettings, effects: ArbiterEffects, clock: ArbiterClock, cpus: number) {
    this.#settings = settings;
    this.#wanted = settings.workers;
    this.#effects = effects;
    this.#clock = clock;
    this.#bootingAtOnce = Math.max(2, cpus);
  }

  get members(): readonly Readonly<Member>[] {
    return this.#members.all;
  }

  member(id: number): Readonly<Member> | undefined {
    return this.#members.get(id);
  }

  get wanted(): number {
    return this.#wanted;
  }

  /** How many places there are for workers: during a reload that may yet fail as many as before it, if those are more. */
  get places(): number {
    return this.#isProven ? this.#wanted : Math.max(this.#wanted, this.#wantedBefore);
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

  // What is asked of it.

  start(): void {
    this.#settle();
  }

  /** Replaces all workers. The next one waits, in the caller's hands: there is one at a time. */
  reload(settings: ArbiterSettings): Promise<ReloadResult> {
    return new Promise((finish) => {
      this.reloads.tried++;
      const refusal = this.#reloadRefusal;
      if (refusal !== undefined) {
        this.reloads.failed++;
        return finish({ ok: false, generation: this.#generation, message: refusal });
      }
      const before = { settings: this.#settings, wanted: this.#wanted, generation: this.#generation };
      this.#reload = new RollingReload(++this.#tried, before, finish);
      this.#settings = settings;
      this.#wanted = settings.workers;
      if (this.#phase === "paused") this.#phase = "serving";
      // Somebody mended something: what failed before is tried again at once.
      this.#places.clear();
      for (const member of this.#members.all) if (member.state === "booting") this.#end(member, "stopping");
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
    for (const member of this.#members.all) this.#end(member, "draining");
    this.#settle();
  }

  /** Ends all. The second call may be quicker than the first, never slower. */
  stop(graceful: boolean): void {
    if (this.#phase === "ended") return;
    if (!graceful) {
      this.#phase = "stopping";
      this.#failReload("the server is stopping");
      for (const member of this.#members.all) this.#quit(member);
    } else if (!this.#isEnding && this.#phase !== "draining") {
      this.#failReload("the server is stopping");
      // Nobody was ever told that connections are welcome: there is nobody to be sent elsewhere.
      const delay = this.#phase === "starting" ? 0 : this.#settings.drainDelay * 1000;
      this.#drainUntil = this.#clock.now() + delay;
      this.#phase = "draining";
      if (delay === 0) this.#close();
      else for (const { id, state } of this.#members.all) if (state === "ready") this.#effects.announce(id);
    }
    this.#settle();
  }

  // What happened.

  /** The sockets are closed, and every connection is with a worker. */
  listeningClosed(): void {
    if (this.#phase !== "closing") return;
    this.#phase = "stopping";
    for (const member of this.#members.all) this.#end(member, "draining");
    this.#settle();
  }

  ready(id: number): void {
    const member = this.#members.get(id);
    if (member?.state !== "booting") return;
    this.#become(member, "ready");
    member.readyAt = member.lastBeat = this.#clock.now();
    member.deadline = Infinity;
    member.runs = undefined;
    this.#effects.admit(id);
    if (this.#phase === "draining") this.#effects.announce(id);
    if (this.#phase === "starting") {
      this.#phase = "serving";
      if (member.standsInFor !== undefined)
        this.#effects.log("info", "whoever asks is shown why, until a file changes and it boots");
    }
    const old = member.replaces === undefined ? undefined : this.#members.get(member.replaces);
    if (old !== undefined && !isLeaving(old)) {
      this.restarts[old.recycle ?? "reload"]++;
      this.#end(old, "draining");
    }
    this.#settle();
  }

  /** It waits for a function of the application. */
  runs(id: number, what: ApplicationFunction): void {
    const member = this.#members.get(id);
    if (member !== undefined) member.runs = what;
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
      this.#notReady(member, { message: endedEarlyText(how), detail: undefined });
    } else if (member.state === "ready") {
      const now = this.#clock.now();
      this.#places.failed(member.index, now, isSound(member, now));
      this.restarts.crash++;
      this.#effects.log("error", `worker ${id} ended unexpectedly: ${how}${this.#places.nextTry(member.index, now)}`);
    }
    this.#settle();
  }

  /** Time has passed: {@link nextDeadline} is over. */
  wake(): void {
    const now = this.#clock.now();
    const late = now - this.#wakeAt;
    for (const member of this.#members.all) {
      member.lastBeat = heardUntil(member, now, late, this.#settings);
      if (now >= blockedAt(member, this.#settings)) this.#replaceBlocked(member);
      else if (now >= member.deadline) this.#expire(member);
    }
    if (this.#phase === "draining" && now >= this.#drainUntil) this.#close();
    this.#settle();
  }

  // How it decides.

  get #isEnding(): boolean {
    return this.#phase === "closing" || this.#phase === "stopping" || this.#phase === "ended";
  }

  get #reloadRefusal(): string | undefined {
    if (this.#isEnding || this.#phase === "draining") return "the server is stopping";
    return this.#reload === undefined ? undefined : "a reload is under way";
  }

  /** Brings what is to what should be, and says when to look again. */
  #settle(): void {
    if (this.#phase === "ended") return;
    if (this.#isEnding || this.#phase === "paused") {
      if (this.#phase === "stopping" && this.#members.isEmpty) {
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
    const places = this.#phase === "starting" ? 1 : this.#isProven ? this.#wanted : Math.min(this.#wanted, this.#wantedBefore);
    let free = this.#bootingAtOnce - this.#members.booting;
    for (let index = 0; index < places && free > 0; index++) {
      if (this.#members.at(index) === undefined && this.#places.pause(index, now) === 0) {
        this.#spawn(index, undefined);
        free--;
      }
    }
  }

  #dropSurplus(): void {
    const { places } = this;
    for (const member of this.#members.all) if (member.index >= places) this.#end(member, "draining");
  }

  get #wantedBefore(): number {
    return this.#reload?.before.wanted ?? this.#wanted;
  }

  get #isProven(): boolean {
    return this.#reload?.isProven(this.#members) ?? true;
  }

  #replaceNext(): void {
    const members = this.#members.all.filter((member) => !isLeaving(member));
    if (members.some(({ state }) => state === "booting")) return;
    const now = this.#clock.now();
    const next = members.find(
      (member) =>
        (member.recycle !== undefined || this.#reload?.isOutdated(member) === true) && this.#places.pause(member.index, now) === 0,
    );
    if (next !== undefined) this.#spawn(next.index, next.id);
  }

  #checkReload(): void {
    const reload = this.#reload;
    if (reload?.isDone(this.#members, this.#wanted) !== true) return;
    this.#reload = undefined;
    this.#unbootable = undefined;
    this.#generation = reload.generation;
    reload.succeed(this.#wanted);
  }

  #spawn(index: number, replaces: number | undefined): void {
    const now = this.#clock.now();
    const deadline = bootDeadline(now, this.#settings);
    const generation = this.#reload?.generation ?? this.#generation;
    const standsInFor = this.#reload === undefined ? this.#unbootable : undefined;
    this.#effects.spawn(
      this.#members.add({ index, generation, standsInFor, replaces }, { now, date: this.#clock.date(), deadline }),
    );
  }

  #notReady(member: Member, failure: BootFailure): void {
    if (this.#isEnding || this.#phase === "paused") return;
    const { message, detail } = failure;
    this.restarts.boot++;
    this.#places.failed(member.index, this.#clock.now(), false);
    this.#effects.notReady(failure);
    const isFirst = this.#phase === "starting";
    if (this.#reload?.generation === member.generation) this.#failReload(message, detail);
    if (isFirst) {
      this.#effects.log("error", message, detail);
      if (this.#settings.reload === true && member.standsInFor === undefined) this.#unbootable = failure;
      else {
        this.#fatal = failure;
        this.#phase = "stopping";
      }
      return;
    }
    const next = this.#places.nextTry(member.index, this.#clock.now());
    this.#effects.log("error", `worker ${member.id} did not get ready: ${message}${next}`, detail);
  }

  #failReload(message: string, detail?: string): void {
    const reload = this.#reload;
    if (reload === undefined) return;
    this.#reload = undefined;
    this.#settings = reload.before.settings;
    this.#wanted = reload.before.wanted;
    this.reloads.failed++;
    reload.giveUp(this.#members, message, detail);
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
      this.#notReady(member, { message: notReadyText(member, this.#settings), detail: undefined });
    } else {
      this.#effects.log("warning", notEndedText(member));
    }
    this.#become(member, "stopping");
    this.#effects.kill(member.id);
  }

  /** No further connections: first those in the backlog, then the workers. */
  #close(): void {
    this.#phase = "closing";
    for (const member of this.#members.all) if (member.state === "booting") this.#end(member, "stopping");
    this.#effects.closeListening();
  }

  #end(member: Member, state: "draining" | "stopping"): void {
    if (isLeaving(member)) return;
    if (state === "stopping" || member.state === "booting") {
      this.#become(member, "stopping");
      member.deadline = Infinity;
      this.#effects.kill(member.id);
      return;
    }
    this.#become(member, "draining");
    member.deadline = drainDeadline(this.#clock.now(), this.#settings);
    this.#effects.drain(member.id);
  }

  #quit(member: Member): void {
    if (member.state === "stopping" || member.state === "blocked") return;
    this.#become(member, "stopping");
    member.deadline = quitDeadline(this.#clock.now());
    this.#effects.quit(member.id);
  }

  #become(member: Member, state: WorkerState): void {
    member.state = state;
    member.since = this.#clock.date();
  }

  #nextWake(): number {
    let next = this.#phase === "draining" ? this.#drainUntil : Infinity;
    for (const member of this.#members.all) next = Math.min(next, member.deadline, blockedAt(member, this.#settings));
    if (this.#isEnding || this.#phase === "paused") return next;
    return Math.min(next, this.#places.next(this.#wanted, this.#clock.now()));
  }
}
