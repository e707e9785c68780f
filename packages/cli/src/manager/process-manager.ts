import type { Socket } from "node:net";
import { resolve } from "node:path";
import { serialize } from "node:v8";
import { readableAddress } from "../bind.ts";
import type { ProcessLog } from "../process-log.ts";
import type { Failure } from "../reload/failure.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import { Arbiter, type BootFailure, type WorkerName } from "./arbiter.ts";
import { openListener, type InheritedSocket, type Listener } from "./listener.ts";
import type { Companion, Manager, WorkerReport } from "./manager.ts";
import { ownLogs } from "./own-logs.ts";
import { memoryLimit } from "./memory-limit.ts";
import type { FromWorker } from "./messages.ts";
import { RoundRobin } from "./round-robin.ts";
import type { ManagerStatus, ReloadResult, UpgradeResult, WorkerStatus } from "./status.ts";
import { readTlsFiles } from "./tls-files.ts";
import { startParent, type NewParent } from "./upgrade.ts";
import { WorkerProcess, type WorkerLaunch } from "./worker-process.ts";

/** How long a worker may take to answer a question. */
const reportMilliseconds = 1000;
/** How long those that were accepted may wait for a worker whose loop is blocked, when all stops. */
const handOverMilliseconds = 1000;

/** What a manager is made of. */
interface ManagerOptions {
  readonly settings: Settings;
  /** Reads them anew, for a reload. @throws {StartError} */
  readonly readSettings: () => Promise<Settings>;
  readonly log: ProcessLog;
  readonly version: string;
  /** The folder that the command was started in. */
  readonly directory: string;
  readonly companions: readonly Companion[];
  /** Sockets that another parent handed on. */
  readonly inherited: readonly InheritedSocket[];
  /** When the first worker is ready. */
  readonly onReady: () => void;
}

/** A connection that no worker has yet. */
interface Connection {
  readonly socket: Socket;
  readonly listener: number;
}

type Report = Extract<FromWorker, { type: "report" }>;

/** A generation: what its workers are started with. */
interface Plan {
  readonly settings: Settings;
  readonly launch: WorkerLaunch;
}

/** Owns the sockets, starts the workers, and hands them the connections. What becomes of them is decided by an {@link Arbiter}. */
export class ProcessManager implements Manager {
  readonly #options: ManagerOptions;
  readonly #log: ProcessLog;
  readonly #listeners: readonly Listener[];
  readonly #arbiter: Arbiter;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #connections: RoundRobin<Connection>;
  readonly #startedAt: number = Date.now();
  readonly #changed = new Set<() => void>();
  readonly #lastReports = new Set<(report: WorkerReport) => void>();
  /** With `--reload`: what the workers have imported. */
  readonly #files = new Set<string>();
  readonly #imported = new Set<(files: readonly string[]) => void>();
  readonly #questions = new Map<string, (report: WorkerReport | undefined) => void>();
  #lastQuestion = 0;
  #lastConnection = 0;
  #accepted = 0;
  #plan: Plan;
  /** Of the reload that is under way. */
  #nextPlan: Plan | undefined = undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #queuedReload: Promise<ReloadResult> | undefined = undefined;
  #lastReload: ReloadResult | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isReady = false;
  #whenIdle: (() => void) | undefined = undefined;
  #newParent: NewParent | undefined = undefined;
  /** The new parent serves. */
  #hasSuccessor = false;
  /** The sockets are the new parent's alone. */
  #hasLeft = false;
  readonly ended: Promise<BootFailure | undefined>;
  #resolveEnded: (failure: BootFailure | undefined) => void = () => {};

  private constructor(options: ManagerOptions, listeners: readonly Listener[]) {
    const { settings } = options;
    this.#options = options;
    this.#log = options.log;
    this.#listeners = listeners;
    this.#plan = this.#planOf(settings);
    this.#connections = new RoundRobin(settings.workerConnections, (id, connection) => this.#hand(id, connection));
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const clock = { now: () => performance.now(), date: () => Date.now() };
    this.#arbiter = new Arbiter(
      settings,
      {
        spawn: (name) => this.#spawn(name),
        admit: (id) => this.#admit(id),
        drain: (id) => this.#drain(id),
        announce: (id) => this.#workers.get(id)?.send({ type: "drain" }),
        quit: (id) => this.#workers.get(id)?.kill("SIGQUIT"),
        kill: (id) => this.#workers.get(id)?.kill("SIGKILL"),
        closeListening: () => void this.#closeListening(),
        ended: (failure) => this.#end(failure),
        log: (level, text, detail) => this.#log[level](text, detail),
      },
      clock,
    );
  }

  /**
   * Opens the sockets.
   *
   * @throws {StartError} when the system refuses one, or a file cannot be read.
   */
  static async open(options: ManagerOptions): Promise<ProcessManager> {
    const listeners: Listener[] = [];
    try {
      for (const bind of options.settings.bind) {
        const inherited = options.inherited.find((socket) => socket.bind === bind.text);
        listeners.push(await openListener(bind, options.settings, inherited));
      }
      return new ProcessManager(options, listeners);
    } catch (error) {
      for (const listener of listeners) listener.close();
      throw error;
    }
  }

  /** Starts the workers. */
  start(): void {
    this.#listeners.forEach((listener, at) => {
      listener.server?.on("connection", (socket: Socket) => this.#connected(socket, at));
      listener.server?.on("error", (error) => this.#log.error(`cannot accept on ${listener.bind.text}: ${error.message}`));
    });
    this.#after(() => this.#arbiter.start());
  }

  /** The old parent has ended: the sockets are this one's alone. */
  promote(): void {
    for (const listener of this.#listeners) listener.ownsFile = true;
  }

  status(): ManagerStatus {
    const { settings } = this.#plan;
    const { phase, isReloading, members, generation, wanted, restarts, reloads } = this.#arbiter;
    return {
      pid: process.pid,
      version: this.#options.version,
      generation,
      state: phase === "serving" && isReloading ? "reloading" : phase,
      ready: (this.#isReady && phase === "serving" && members.some(({ state }) => state === "ready")) || this.#isSucceeded,
      startedAt: this.#startedAt,
      settings,
      addresses: this.#listeners.map(({ address }) => readableAddress(address, settings.protocol, settings.tlsKey !== undefined)),
      listening: this.#listeners.map(({ address }) => address),
      waiting: this.#connections.waiting,
      wanted,
      workers: members.map(({ id }) => this.#statusOf(id)).filter((status) => status !== undefined),
      restarts: { ...restarts },
      reloads: { ...reloads },
      lastReload: this.#lastReload,
    };
  }

  async reports(): Promise<readonly WorkerReport[]> {
    const asked = this.#arbiter.members.filter(({ state }) => state === "ready" || state === "draining");
    const answers = await Promise.all(asked.map(({ id }) => this.#ask(id)));
    return answers.filter((answer) => answer !== undefined);
  }

  reload(): Promise<ReloadResult> {
    // One that has not begun yet will load what is there then: that is what whoever asks now wants.
    this.#queuedReload ??= this.#reloading.then(() => {
      this.#queuedReload = undefined;
      const result = this.#reloadNow();
      this.#reloading = result;
      return result;
    });
    return this.#queuedReload;
  }

  async stop(graceful: boolean): Promise<void> {
    this.#after(() => this.#arbiter.stop(graceful));
    await this.ended;
  }

  setWorkers(wanted: number): void {
    if (!Number.isSafeInteger(wanted) || wanted < 1)
      throw new RangeError(`the number of workers is a whole number from 1, not ${wanted}`);
    this.#log.info(`${wanted} ${wanted === 1 ? "worker" : "workers"} from now on`);
    this.#after(() => this.#arbiter.scale(wanted));
  }

  /** Ends the workers. The sockets stay open, and connections wait for a reload; but beside a new parent they are left to that. */
  async pause(): Promise<void> {
    if (this.#newParent?.isAlive !== true) {
      this.#log.info("the workers stop: a reload starts new ones");
    } else if (!this.#hasLeft) {
      this.#hasLeft = true;
      this.#log.info(`the workers stop: process ${this.#newParent.pid} serves`);
      await this.#leaveSockets();
    }
    this.#after(() => this.#arbiter.pause());
  }

  async reopenLogs(): Promise<void> {
    // Made here, where the workers have no right to.
    ownLogs(this.#plan.settings, this.#log);
    const here = [this.#log.reopen(), ...this.#options.companions.map((companion) => companion.reopen?.())];
    const workers = [...this.#workers.keys()].map((id) => this.#reopen(id));
    await Promise.all([...here, ...workers]);
  }

  async upgrade(replace = false): Promise<UpgradeResult> {
    const result = await this.#upgradeNow();
    this.#log[result.ok ? "info" : "error"](result.message);
    if (result.ok && replace) void this.stop(true);
    return result;
  }

  onChange(listener: () => void): () => void {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  }

  onLastReport(listener: (report: WorkerReport) => void): () => void {
    this.#lastReports.add(listener);
    return () => void this.#lastReports.delete(listener);
  }

  onImported(listener: (files: readonly string[]) => void): () => void {
    // The first worker has told of its files before anybody could listen.
    listener([...this.#files]);
    this.#imported.add(listener);
    return () => void this.#imported.delete(listener);
  }

  /** Whoever connects finds somebody who serves, whatever becomes of this process. */
  get #isSucceeded(): boolean {
    return this.#hasSuccessor && this.#newParent?.isAlive === true;
  }

  async #upgradeNow(): Promise<UpgradeResult> {
    if (this.#newParent?.isAlive === true) {
      const { pid } = this.#newParent;
      return { ok: false, pid, message: `an upgrade is under way already: process ${pid}` };
    }
    const sockets = this.#listeners.map(({ bind, file, descriptor }) => ({ bind: bind.text, fd: descriptor(0), file }));
    const parent = startParent(sockets, this.#options.directory);
    this.#newParent = parent;
    this.#hasSuccessor = false;
    const failure = await parent.ready;
    const { pid } = parent;
    if (failure !== undefined) return { ok: false, pid: undefined, message: `the upgrade was given up: ${failure}` };
    this.#hasSuccessor = true;
    return { ok: true, pid, message: `process ${pid} serves on the same sockets now: end this one with SIGTERM to ${process.pid}` };
  }

  // Workers.

  #spawn(name: WorkerName): void {
    const plan = name.generation > this.#arbiter.generation ? (this.#nextPlan ?? this.#plan) : this.#plan;
    const { launch } = plan;
    const listening = this.#listeners.map(({ address, serverName, server, descriptor }) => ({
      address,
      serverName,
      fd: server === undefined ? descriptor(name.index) : undefined,
    }));
    const { id } = name;
    const worker = new WorkerProcess(
      name,
      { ...launch, listening },
      { message: (message) => this.#told(id, message), ended: (how) => this.#ended(id, how) },
    );
    this.#workers.set(id, worker);
    this.#log.debug(`worker ${id} is process ${worker.pid}`);
  }

  #admit(id: number): void {
    this.#connections.add(id);
    if (this.#isReady) return;
    this.#isReady = true;
    this.#options.onReady();
  }

  #drain(id: number): void {
    this.#connections.remove(id, () => this.#workers.get(id)?.send({ type: "stop" }));
  }

  #told(id: number, message: FromWorker): void {
    switch (message.type) {
      case "taken":
        this.#connections.taken(id, message.open)?.socket.destroy();
        return this.#checkIdle();
      case "room":
        return this.#connections.room(id, message.open);
      case "heartbeat":
        this.#arbiter.heartbeat(id, message.numbers);
        return this.#watchMemory(id, message.numbers.memory);
      case "report":
        return message.id === 0 ? this.#lastWords(id, message) : this.#answer(`${id} ${message.id}`, id, message);
      case "reopened":
        return this.#answered(`${id} ${message.id}`);
      case "imported":
        for (const file of message.files) this.#files.add(file);
        for (const listener of this.#imported) listener(message.files);
        return;
      case "ready":
        return this.#after(() => this.#arbiter.ready(id));
      case "failed":
        this.#after(() => this.#arbiter.bootFailed(id, message));
        if (message.failure !== undefined) this.#showFailure(message.failure);
        // It waits, so that what the runtime says of it comes after.
        this.#workers.get(id)?.send({ type: "stop" });
        return;
      case "replace":
        // Whoever stops this process may have told the workers, too.
        if (this.#arbiter.phase === "serving") this.#log.info(`worker ${id} is to be replaced: ${message.cause}`);
        this.#after(() => this.#arbiter.recycle(id, message.cause));
    }
  }

  #ended(id: number, how: string): void {
    this.#workers.delete(id);
    for (const key of this.#questions.keys()) if (key.startsWith(`${id} `)) this.#answer(key, id, undefined);
    this.#after(() => this.#arbiter.exited(id, how));
    this.#connections.died(id);
    this.#checkIdle();
  }

  #watchMemory(id: number, memory: number): void {
    const { maxMemory, workers } = this.#plan.settings;
    if (maxMemory === 0 || memory <= memoryLimit(maxMemory, workers)) return;
    const member = this.#arbiter.members.find((one) => one.id === id);
    if (member?.state !== "ready" || member.recycle !== undefined) return;
    const megabytes = Math.round(memory / 1_000_000);
    this.#log.warning(`worker ${id} uses ${megabytes} MB: it is replaced`);
    this.#after(() => this.#arbiter.recycle(id, "max-memory"));
  }

  #statusOf(id: number): WorkerStatus | undefined {
    const member = this.#arbiter.members.find((one) => one.id === id);
    if (member === undefined) return undefined;
    const { index, generation, state, since, startedAt, numbers } = member;
    return { id, pid: this.#workers.get(id)?.pid, index, generation, state, since, startedAt, numbers };
  }

  #ask(id: number): Promise<WorkerReport | undefined> {
    const question = ++this.#lastQuestion;
    const key = `${id} ${question}`;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#answer(key, id, undefined), reportMilliseconds);
      this.#questions.set(key, (report) => {
        clearTimeout(late);
        resolve(report);
      });
      this.#workers.get(id)?.send({ type: "query", id: question });
    });
  }

  #reopen(id: number): Promise<void> {
    const question = ++this.#lastQuestion;
    const key = `${id} ${question}`;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#answered(key), reportMilliseconds);
      this.#questions.set(key, () => {
        clearTimeout(late);
        resolve();
      });
      this.#workers.get(id)?.send({ type: "reopen", id: question });
    });
  }

  #answered(key: string): void {
    const resolve = this.#questions.get(key);
    this.#questions.delete(key);
    resolve?.(undefined);
  }

  /** Those that serve on tell people in front of a browser. */
  #showFailure(failure: Failure): void {
    for (const { id, state } of this.#arbiter.members) {
      if (state === "ready") this.#workers.get(id)?.send({ type: "reloadFailed", failure });
    }
  }

  #lastWords(id: number, { numbers, observers }: Report): void {
    const worker = this.#statusOf(id);
    if (worker === undefined) return;
    for (const listener of this.#lastReports) listener({ worker, numbers, observers });
  }

  #answer(key: string, id: number, message: Report | undefined): void {
    const resolve = this.#questions.get(key);
    this.#questions.delete(key);
    const worker = this.#statusOf(id);
    if (message === undefined || worker === undefined) return resolve?.(undefined);
    resolve?.({ worker, numbers: message.numbers, observers: message.observers });
  }

  // Connections.

  #connected(socket: Socket, listener: number): void {
    this.#accepted++;
    // The list of connections that Node.js keeps across processes for servers that it hands over is of no use here.
    Reflect.set(socket, "server", null);
    socket.on("error", () => {});
    this.#connections.offer({ socket, listener });
  }

  #hand(id: number, { socket, listener }: Connection): void {
    this.#workers.get(id)?.send({ type: "connection", id: ++this.#lastConnection, listening: listener }, socket);
  }

  /** Those in the backlog were told that they are connected: they are served, too. */
  async #closeListening(): Promise<void> {
    await this.#leaveSockets();
    this.#after(() => this.#arbiter.listeningClosed());
  }

  async #leaveSockets(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      const before = this.#accepted;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#accepted === before ? quiet + 1 : 0;
    }
    this.#closeListeners();
    await this.#handedOver();
    for (const { socket } of this.#connections.clear()) socket.destroy();
  }

  #closeListeners(): void {
    for (const listener of this.#listeners) {
      // A new parent takes it away, when it has ended itself.
      if (this.#isSucceeded) listener.ownsFile = false;
      listener.close();
    }
  }

  /** Every connection is with a worker; or those that are full or blocked will not take any in time. */
  #handedOver(): Promise<void> {
    return new Promise((resolve) => {
      const { gracefulTimeout } = this.#plan.settings;
      const blocked = setTimeout(() => {
        if (this.#connections.waiting === 0) resolve();
      }, handOverMilliseconds);
      const full = setTimeout(resolve, gracefulTimeout * 1000);
      this.#whenIdle = () => {
        clearTimeout(blocked);
        clearTimeout(full);
        resolve();
      };
      this.#checkIdle();
    });
  }

  #checkIdle(): void {
    if (this.#whenIdle === undefined || !this.#connections.isIdle) return;
    this.#whenIdle();
    this.#whenIdle = undefined;
  }

  // Reload.

  async #reloadNow(): Promise<ReloadResult> {
    const tried = await this.#tryReload();
    const result = tried.ok ? tried : { ...tried, message: `${tried.message}; ${this.#whoServes()}` };
    this.#lastReload = result;
    this.#log[result.ok ? "info" : "error"](result.message);
    this.#tellChange();
    return result;
  }

  /** One that failed halfway leaves the new workers that it had brought. */
  #whoServes(): string {
    const ready = this.#arbiter.members.filter(({ state }) => state === "ready");
    const [first, ...more] = [...new Set(ready.map(({ generation }) => generation))].toSorted((a, b) => a - b);
    if (first === undefined) return "no worker serves";
    return more.length === 0 ? `generation ${first} serves on` : `generations ${[first, ...more].join(" and ")} serve on`;
  }

  async #tryReload(): Promise<ReloadResult> {
    let plan: Plan;
    if (this.#hasLeft) return this.#noReload("the sockets were left to the new parent");
    try {
      plan = this.#planOf(this.#keepSockets(await this.#options.readSettings()));
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return this.#noReload(error.message);
    }
    this.#nextPlan = plan;
    let reloading: Promise<ReloadResult> | undefined;
    this.#after(() => (reloading = this.#arbiter.reload(plan.settings)));
    const result = await reloading;
    this.#nextPlan = undefined;
    if (result === undefined) throw new Error("the arbiter did not reload");
    if (result.ok) this.#plan = plan;
    return result;
  }

  #noReload(why: string): ReloadResult {
    return { ok: false, generation: this.#arbiter.generation, message: `the reload was given up: ${why}` };
  }

  /** The sockets stay those that are open. */
  #keepSockets(settings: Settings): Settings {
    const { bind, spread } = this.#plan.settings;
    const isSame =
      settings.spread === spread && settings.bind.map(({ text }) => text).join("\n") === bind.map(({ text }) => text).join("\n");
    if (!isSame) this.#log.warning("the sockets stay as they are: an upgrade (SIGUSR2) or a restart changes bind and spread");
    return { ...settings, bind, spread };
  }

  #planOf(settings: Settings): Plan {
    return {
      settings,
      launch: {
        settings: serialize(settings).toString("base64"),
        tls: readTlsFiles(settings),
        listening: [],
        execArgv: settings.nodeOptions,
        directory: resolve(this.#options.directory, settings.chdir),
        environment: { ...process.env, PWD: resolve(this.#options.directory, settings.chdir), ...settings.env },
        withoutInput: settings.bind.some(({ host }) => host === "fd://0"),
      },
    };
  }

  // The rest.

  /** Lets the arbiter do something, and sees when it wants to be woken. */
  #after(act: () => void): void {
    act();
    clearTimeout(this.#timer);
    const { nextDeadline } = this.#arbiter;
    if (nextDeadline !== Infinity) {
      const delay = Math.min(Math.max(0, Math.ceil(nextDeadline - performance.now())), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.#after(() => this.#arbiter.wake()), delay);
    }
    this.#tellChange();
  }

  #tellChange(): void {
    for (const listener of this.#changed) listener();
  }

  #end(failure: BootFailure | undefined): void {
    this.#closeListeners();
    for (const { socket } of this.#connections.clear()) socket.destroy();
    clearTimeout(this.#timer);
    this.#resolveEnded(failure);
  }
}
