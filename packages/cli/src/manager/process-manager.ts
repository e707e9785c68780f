import { readableAddress } from "../bind.ts";
import type { ProcessLog } from "../process-log.ts";
import { failureOf } from "../reload/failure.ts";
import { thisHost } from "../settings/host.ts";
import type { Settings } from "../settings/settings.ts";
import type { BootFailure } from "./arbiter-world.ts";
import { Arbiter } from "./arbiter.ts";
import { Connections } from "./connections.ts";
import type { InheritedSocket } from "./listener.ts";
import { Listeners } from "./listeners.ts";
import type { Companion, Manager, WorkerReport } from "./manager.ts";
import type { WorkerName } from "./members.ts";
import { memoryLimit } from "./memory-limit.ts";
import type { Report } from "./messages.ts";
import { ownLogs } from "./own-logs.ts";
import { planOf, type Plan } from "./plan.ts";
import { Reloads } from "./reloads.ts";
import type { ManagerStatus, ReloadResult, UpgradeResult, WorkerStatus } from "./status.ts";
import { Subscribers } from "./subscribers.ts";
import { Succession } from "./succession.ts";
import { workerCount, workersText } from "./worker-count.ts";
import { WorkerProcesses, type Word } from "./worker-processes.ts";

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
  /** The parent that handed them on, which still runs. */
  readonly oldParent: number | undefined;
  /** When the first worker is ready. */
  readonly onReady: () => void;
}

/** Owns the sockets, starts the workers, and hands them the connections. What becomes of them is decided by an {@link Arbiter}. */
export class ProcessManager implements Manager {
  readonly #options: ManagerOptions;
  readonly #log: ProcessLog;
  readonly #listeners: Listeners;
  readonly #connections: Connections;
  readonly #arbiter: Arbiter;
  readonly #reloads: Reloads;
  readonly #succession: Succession;
  readonly #workers: WorkerProcesses;
  readonly #startedAt: number = Date.now();
  readonly #changes = new Subscribers<[]>();
  readonly #lastReports = new Subscribers<[WorkerReport]>();
  readonly #imports = new Subscribers<[readonly string[]]>();
  /** With `--reload`: what the workers have imported. */
  readonly #files = new Set<string>();
  #plan: Plan;
  #oldParent: number | undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isReady = false;
  #isAccepting = false;
  /** The sockets are the new parent's alone. */
  #hasLeft = false;
  readonly ended: Promise<BootFailure | undefined>;
  #resolveEnded: (failure: BootFailure | undefined) => void = () => {};

  private constructor(
    options: ManagerOptions,
    plan: Plan,
    { listeners, connections }: { readonly listeners: Listeners; readonly connections: Connections },
  ) {
    this.#options = options;
    this.#log = options.log;
    this.#plan = plan;
    this.#listeners = listeners;
    this.#connections = connections;
    this.#oldParent = options.oldParent;
    this.#succession = new Succession(options.directory);
    this.#workers = new WorkerProcesses({
      told: (id, message) => this.#told(id, message),
      ended: (id, how) => this.#ended(id, how),
    });
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const clock = { now: () => performance.now(), date: () => Date.now() };
    this.#arbiter = new Arbiter(
      // An upgrade to what does not boot comes to nothing: the old parent serves on.
      { ...plan.settings, reload: plan.settings.reload && options.oldParent === undefined },
      {
        spawn: (name) => this.#spawn(name),
        admit: (id) => this.#admit(id),
        drain: (id) => this.#connections.remove(id, () => this.#workers.tell(id, { type: "stop" })),
        announce: (id) => this.#workers.tell(id, { type: "drain" }),
        quit: (id) => this.#workers.kill(id, "SIGQUIT"),
        kill: (id) => this.#workers.kill(id, "SIGKILL"),
        closeListening: () => void this.#closeListening(),
        notReady: (failure) => this.#showFailure(failure),
        ended: (failure) => this.#end(failure),
        log: (level, text, detail) => this.#log[level](text, detail),
      },
      clock,
      thisHost.cpus,
    );
    this.#reloads = new Reloads({
      log: this.#log,
      refusal: () => (this.#hasLeft ? "the sockets were left to the new parent" : undefined),
      readPlan: async () => planOf(this.#keepSockets(await options.readSettings()), options.directory),
      replace: (settings) => this.#after(() => this.#arbiter.reload(settings)),
      generations: () => this.#arbiter.members.filter(({ state }) => state === "ready").map(({ generation }) => generation),
      generation: () => this.#arbiter.generation,
      succeeded: (next) => (this.#plan = next),
      changed: () => this.#changes.tell(),
    });
  }

  /**
   * Opens the sockets.
   *
   * @throws {StartError} when the system refuses one, or a file cannot be read.
   */
  static async open(options: ManagerOptions): Promise<ProcessManager> {
    const { settings, inherited, directory, log } = options;
    const plan = planOf(settings, directory);
    // They take connections from the moment that the sockets are open.
    const connections = new Connections(settings.workerConnections, (worker, message, socket) =>
      manager.#workers.tell(worker, message, socket),
    );
    const listeners = await Listeners.open(settings, inherited, {
      connected: (socket, listening) => connections.accept(socket, listening),
      failed: (bind, error) => log.error(`cannot accept on ${bind.text}: ${error.message}`),
    });
    const manager: ProcessManager = new ProcessManager(options, plan, { listeners, connections });
    return manager;
  }

  /** Starts the workers. */
  start(): void {
    this.#after(() => this.#arbiter.start());
  }

  /**
   * Accepts connections on sockets that were taken over: when a worker is ready, since whoever had them serves until then.
   *
   * @throws {StartError} when the system refuses it.
   */
  async accept(): Promise<void> {
    await this.#listeners.accept(this.#arbiter.places);
    this.#isAccepting = true;
  }

  /** The old parent has ended: the sockets are this one's alone. */
  promote(): void {
    this.#oldParent = undefined;
    this.#listeners.own();
  }

  status(): ManagerStatus {
    const { settings } = this.#plan;
    const { phase, isReloading, members, generation, wanted, restarts, reloads } = this.#arbiter;
    const { addresses } = this.#listeners;
    const isServing = this.#isReady && phase === "serving" && members.some(({ state }) => state === "ready");
    return {
      pid: process.pid,
      version: this.#options.version,
      generation,
      state: phase === "serving" && isReloading ? "reloading" : phase,
      ready: isServing || this.#succession.isServed,
      startedAt: this.#startedAt,
      settings,
      addresses: addresses.map((address) => readableAddress(address, settings.protocol, settings.tlsKey !== undefined)),
      listening: addresses,
      waiting: this.#connections.waiting,
      wanted,
      workers: members.map(({ id }) => this.#statusOf(id)).filter((status) => status !== undefined),
      restarts: { ...restarts },
      reloads: { ...reloads },
      lastReload: this.#reloads.last,
    };
  }

  async reports(): Promise<readonly WorkerReport[]> {
    const asked = this.#arbiter.members.filter(({ state }) => state === "ready" || state === "draining");
    const reports = await Promise.all(
      asked.map(async ({ id }) => {
        const answer = await this.#workers.ask(id, "query");
        return answer?.type === "report" ? this.#reportOf(id, answer) : undefined;
      }),
    );
    return reports.filter((report) => report !== undefined);
  }

  reload(): Promise<ReloadResult> {
    return this.#reloads.ask();
  }

  async stop(graceful: boolean): Promise<void> {
    this.#after(() => this.#arbiter.stop(graceful));
    await this.ended;
  }

  setWorkers(wanted: number): void {
    const count = workerCount(wanted);
    // They would have nothing to serve.
    if (this.#hasLeft) return this.#log.error("no worker is started: the sockets were left to the new parent");
    this.#log.info(`${workersText(count)} from now on`);
    this.#after(() => this.#arbiter.scale(count));
  }

  /** Ends the workers. The sockets stay open, and connections wait for a reload; but beside a new parent they are left to that. */
  async pause(): Promise<void> {
    const next = this.#succession.process;
    if (next === undefined) {
      this.#log.info("the workers stop: a reload starts new ones");
    } else if (!this.#hasLeft) {
      this.#hasLeft = true;
      this.#log.info(`the workers stop: process ${next} serves`);
      await this.#leaveSockets();
    }
    this.#after(() => this.#arbiter.pause());
  }

  async reopenLogs(): Promise<void> {
    // Made here, where the workers have no right to.
    ownLogs(this.#plan.settings, this.#log);
    const here = [this.#log.reopen(), ...this.#options.companions.map((companion) => companion.reopen?.())];
    await Promise.all([...here, ...this.#workers.ids.map((id) => this.#workers.ask(id, "reopen"))]);
  }

  async upgrade(replace = false): Promise<UpgradeResult> {
    const refusal = this.#upgradeRefusal();
    const result =
      refusal === undefined
        ? await this.#succession.start(this.#listeners.inheritance, replace)
        : { ok: false, pid: undefined, message: `no upgrade: ${refusal}` };
    this.#log[result.ok ? "info" : "error"](result.message);
    if (result.ok && replace) void this.stop(true);
    return result;
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  onLastReport(listener: (report: WorkerReport) => void): () => void {
    return this.#lastReports.add(listener);
  }

  onImported(listener: (files: readonly string[]) => void): () => void {
    // The first worker has told of its files before anybody could listen.
    listener([...this.#files]);
    return this.#imports.add(listener);
  }

  // Workers.

  #spawn(name: WorkerName): void {
    const { id, index, generation } = name;
    const plan = generation > this.#arbiter.generation ? (this.#reloads.next ?? this.#plan) : this.#plan;
    this.#workers.start(name, () => ({ ...plan.launch, listening: this.#listeners.forWorker(index) }));
    this.#log.debug(`worker ${id} is process ${this.#workers.pid(id)}`);
  }

  #admit(id: number): void {
    this.#connections.add(id);
    if (this.#isReady) return;
    this.#isReady = true;
    this.#options.onReady();
  }

  #told(id: number, message: Word): void {
    switch (message.type) {
      case "taken":
        return this.#connections.taken(id, message.open);
      case "room":
        return this.#connections.room(id, message.open);
      case "heartbeat":
        this.#arbiter.heartbeat(id, message.numbers);
        return this.#watchMemory(id, message.numbers.memory);
      case "report":
        return this.#lastWords(id, message);
      case "imported":
        for (const file of message.files) this.#files.add(file);
        return this.#imports.tell(message.files);
      case "ready":
        return this.#after(() => this.#arbiter.ready(id));
      case "runs":
        return this.#arbiter.runs(id, message.what);
      case "failed":
        this.#after(() => this.#arbiter.bootFailed(id, message));
        return this.#workers.tell(id, { type: "stop" });
      case "replace":
        // Whoever stops this process may have told the workers, too.
        if (this.#arbiter.phase === "serving") this.#log.info(`worker ${id} is to be replaced: ${message.cause}`);
        return this.#after(() => this.#arbiter.recycle(id, message.cause));
    }
  }

  #ended(id: number, how: string): void {
    this.#after(() => this.#arbiter.exited(id, how));
    this.#connections.died(id);
  }

  #watchMemory(id: number, memory: number): void {
    const { maxMemory, workers } = this.#plan.settings;
    if (maxMemory === 0 || memory <= memoryLimit(maxMemory, workers)) return;
    const member = this.#arbiter.member(id);
    if (member?.state !== "ready" || member.recycle !== undefined) return;
    const megabytes = Math.round(memory / 1_000_000);
    this.#log.warning(`worker ${id} uses ${megabytes} MB: it is replaced`);
    this.#after(() => this.#arbiter.recycle(id, "max-memory"));
  }

  #statusOf(id: number): WorkerStatus | undefined {
    const member = this.#arbiter.member(id);
    if (member === undefined) return undefined;
    const { index, generation, state, since, startedAt, numbers } = member;
    return { id, pid: this.#workers.pid(id), index, generation, state, since, startedAt, numbers };
  }

  #reportOf(id: number, { numbers, observers }: Report): WorkerReport | undefined {
    const worker = this.#statusOf(id);
    return worker && { worker, numbers, observers };
  }

  /** Those that serve on tell people in front of a browser. */
  #showFailure({ message, failure = failureOf(message) }: BootFailure): void {
    if (!this.#plan.settings.reload) return;
    for (const { id, state } of this.#arbiter.members) {
      if (state === "ready") this.#workers.tell(id, { type: "reloadFailed", failure });
    }
  }

  #lastWords(id: number, report: Report): void {
    const words = this.#reportOf(id, report);
    if (words !== undefined) this.#lastReports.tell(words);
  }

  // Sockets.

  /** Those in the backlog were told that they are connected: they are served, too. */
  async #closeListening(): Promise<void> {
    await this.#leaveSockets();
    this.#after(() => this.#arbiter.listeningClosed());
  }

  async #leaveSockets(): Promise<void> {
    await this.#connections.quiet();
    this.#listeners.close(this.#succession.isServed);
    await this.#connections.handedOver(this.#plan.settings.gracefulTimeout);
    this.#connections.drop();
  }

  /** The sockets stay those that are open. */
  #keepSockets(settings: Settings): Settings {
    const { bind, spread } = this.#plan.settings;
    const isSame =
      settings.spread === spread && settings.bind.map(({ text }) => text).join("\n") === bind.map(({ text }) => text).join("\n");
    if (!isSame) this.#log.warning("the sockets stay as they are: an upgrade (SIGUSR2) or a restart changes bind and spread");
    return { ...settings, bind, spread };
  }

  /** Why there can be no further parent. */
  #upgradeRefusal(): string | undefined {
    const { phase } = this.#arbiter;
    if (phase === "draining" || phase === "stopping") return "the server is stopping";
    if (this.#oldParent !== undefined) return `the old parent, process ${this.#oldParent}, still runs: end it first`;
    return this.#hasLeft && this.#succession.process === undefined ? "the sockets were left to a parent that has ended" : undefined;
  }

  // The rest.

  /** Lets the arbiter do something, and sees what follows from it: when it wants to be woken, and who accepts where. */
  #after<Result>(act: () => Result): Result {
    const result = act();
    clearTimeout(this.#timer);
    const { nextDeadline, places } = this.#arbiter;
    if (nextDeadline !== Infinity) {
      const delay = Math.min(Math.max(0, Math.ceil(nextDeadline - performance.now())), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.#after(() => this.#arbiter.wake()), delay);
    }
    if (this.#isAccepting) this.#listeners.accept(places).catch((error: unknown) => this.#log.error(String(error)));
    this.#changes.tell();
    return result;
  }

  #end(failure: BootFailure | undefined): void {
    this.#listeners.close(this.#succession.isServed);
    this.#connections.drop();
    clearTimeout(this.#timer);
    this.#resolveEnded(failure);
  }
}
