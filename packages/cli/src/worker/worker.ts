import { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import type { TlsOptions } from "node:tls";
import { toApplication, type Application } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { HandedConnections } from "@gateway/sockets";
import { loadSite, type Lifespan } from "../load-application.ts";
import type { FromWorker, Json, ToWorker } from "../manager/messages.ts";
import type { WorkerNumbers } from "../manager/status.ts";
import { openProcessLog, type ProcessLog } from "../process-log.ts";
import { failureOf, failureText } from "../reload/failure.ts";
import type { DevState } from "../reload/dev-errors.ts";
import type { ImportReporter } from "../reload/imports.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import { assume } from "./identity.ts";
import { Requests } from "./requests.ts";
import type { WorkerObserver } from "./observer.ts";
import { observed, workerObservers } from "./observers.ts";
import { drain, Serving, startUp, surviveFailures, validated, type Place } from "./serving.ts";
import { Watchdog } from "./watchdog.ts";

type Boot = Extract<ToWorker, { type: "boot" }>;

/** The longest time from one heartbeat to the next. */
const beatMilliseconds = 1000;

/** Serves the connections that its manager hands over, or that it accepts on descriptors that it inherited. */
export class Worker {
  readonly #settings: Settings;
  readonly #boot: Boot;
  readonly #tell: (message: FromWorker) => void;
  #log: ProcessLog;
  #observers: readonly WorkerObserver[] = [];
  /** With `--reload`: why the code that shall replace this one's does not boot. */
  readonly #newer: DevState = { failure: undefined };
  readonly #requests: Requests;
  readonly #handed: readonly (HandedConnections | undefined)[];
  readonly #lastRequest: number;
  #development: typeof import("./development.ts") | undefined = undefined;
  #imports: ImportReporter | undefined = undefined;
  #serving: Serving | undefined = undefined;
  #drained: Lifespan | undefined = undefined;
  #shutdown: Lifespan | undefined = undefined;
  #watchdog: Watchdog | undefined = undefined;
  #beat: NodeJS.Timeout | undefined = undefined;
  #beatAt = 0;
  #utilization = performance.eventLoopUtilization();
  #loopDelay = 0;
  #isFull = false;
  /** It could not boot. */
  #hasFailed = false;
  #isStopping = false;

  constructor(settings: Settings, boot: Boot, tell: (message: FromWorker) => void) {
    this.#settings = settings;
    this.#boot = boot;
    this.#tell = tell;
    this.#log = openProcessLog({ errorLog: "-", logLevel: settings.logLevel });
    this.#handed = boot.listening.map(({ isHanded, address, serverName }) =>
      isHanded ? new HandedConnections(address, serverName) : undefined,
    );
    const { maxRequests, maxRequestsJitter } = settings;
    this.#lastRequest = maxRequests === 0 ? 0 : maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1));
    this.#requests = new Requests((begun) => {
      if (begun === this.#lastRequest) this.#tell({ type: "replace", cause: "max-requests" });
    });
  }

  /** Loads the application, lets it start up, and serves. What goes wrong is told to the manager, and ends the process. */
  boot(): void {
    this.#begin().catch((error: unknown) => this.#fail(error));
  }

  receive(message: ToWorker, handle: unknown): void {
    switch (message.type) {
      case "connection":
        return this.#take(message.id, message.listening, handle);
      case "drain":
        return this.#drain();
      case "stop":
        return this.stop();
      case "reopen":
        void this.#reopen().then(() => this.#tell({ type: "reopened", id: message.id }));
        return;
      case "reloadFailed":
        this.#newer.failure = message.failure;
        return;
      case "query":
        return this.#tell({ type: "report", id: message.id, numbers: this.#numbers(), observers: this.#reports() });
    }
  }

  /** Finishes what is under way, and ends the process. */
  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (this.#hasFailed) process.exit(1);
    else void this.#end();
  }

  async #begin(): Promise<void> {
    const { key, cert, ca } = this.#boot.tls ?? {};
    const tls: TlsOptions | undefined = key === undefined ? undefined : { key, cert, ca, requestCert: ca !== undefined };
    assume(this.#settings);
    this.#log = openProcessLog(this.#settings, `worker ${this.#boot.id}`);
    this.#observers = await workerObservers(this.#settings);
    // A site that is not being developed loads nothing of this: it makes a worker start later.
    const development = this.#settings.reload ? await import("./development.ts") : undefined;
    this.#development = development;
    this.#newer.failure = this.#boot.standsInFor;
    const app = this.#newer.failure === undefined ? await this.#load() : undefined;
    const shown = development?.devErrors(app, this.#newer) ?? app;
    if (shown === undefined) throw new Error("a worker has no application, and nothing to show");
    this.#serving = await Serving.make(this.#settings, this.#observed(shown), this.#places(), {
      tls,
      maxConnections: this.#settings.workerConnections,
      log: this.#log,
    });
    surviveFailures(this.#log);
    await Promise.all(this.#serving.servers.map((server) => server.listen()));
    void this.#serving.serve();
    this.#startBeating();
    this.#tell({ type: "ready" });
  }

  async #load(): Promise<Application> {
    this.#imports = this.#development?.reportImports((files) => this.#tell({ type: "imported", files }));
    const site = await loadSite(this.#settings.target);
    const app = this.#settings.validate ? await validated(site.application) : site.application;
    if (site.startup !== undefined) this.#tell({ type: "runs", what: "startup" });
    await startUp(site.startup, this.#settings.target);
    this.#drained = site.drain;
    this.#shutdown = site.shutdown;
    return toApplication(app);
  }

  #places(): Place[] {
    const own = this.#boot.listening.filter(({ fd }) => fd !== undefined).map(({ fd }) => `fd://${fd}`);
    const handed = this.#handed.filter((connections) => connections !== undefined);
    return [...own, ...handed].map((host) => ({ host, port: 0 }));
  }

  #observed(app: Application): Application {
    return this.#requests.wrap(observed(app, this.#observers));
  }

  #fail(error: unknown): void {
    const known = error instanceof StartError;
    const message = known ? error.message : "the worker could not start";
    const cause = known ? error.cause : error;
    this.#imports?.flush();
    // Where nothing was thrown, the stack is that of this program.
    const failure = known && cause === undefined ? failureOf(message) : this.#development?.describeFailure(cause ?? error);
    const detail = cause === undefined ? undefined : failureText(cause);
    this.#tell({ type: "failed", message, detail, ...(failure && { failure }) });
    // The manager says "stop" when it has that.
    this.#hasFailed = true;
  }

  #take(id: number, listening: number, handle: unknown): void {
    const server = this.#handed[listening];
    // A client that had left before it was handed over comes as nothing.
    const { workerConnections } = this.#settings;
    if (handle instanceof Socket && server !== undefined) {
      server.accept(handle);
      // After the server has counted it.
      if (workerConnections !== Infinity) handle.once("close", () => setImmediate(() => this.#hasRoom()));
    }
    const open = this.#serving?.connections ?? 0;
    this.#isFull = open >= workerConnections;
    this.#tell({ type: "taken", id, open });
  }

  #hasRoom(): void {
    const open = this.#serving?.connections ?? 0;
    if (!this.#isFull || open >= this.#settings.workerConnections) return;
    this.#isFull = false;
    this.#tell({ type: "room", open });
  }

  #startBeating(): void {
    const { timeout } = this.#settings;
    const every = timeout === 0 ? beatMilliseconds : Math.min(beatMilliseconds, timeout * 250);
    if (timeout > 0) this.#watchdog = new Watchdog(timeout, this.#boot.id, this.#settings.errorLog, this.#requests);
    this.#beatAt = performance.now();
    this.#beat = setInterval(() => {
      const now = performance.now();
      this.#loopDelay = Math.max(0, now - this.#beatAt - every) / 1000;
      this.#beatAt = now;
      this.#watchdog?.alive();
      this.#tell({ type: "heartbeat", numbers: this.#numbers() });
      this.#utilization = performance.eventLoopUtilization();
    }, every);
  }

  #numbers(): WorkerNumbers {
    return {
      requests: this.#requests.begun,
      inFlight: this.#requests.count,
      connections: this.#serving?.connections ?? 0,
      memory: process.memoryUsage.rss(),
      heapUsed: process.memoryUsage().heapUsed,
      loopUtilization: performance.eventLoopUtilization(this.#utilization).utilization,
      loopDelay: this.#loopDelay,
    };
  }

  #reports(): { readonly [name: string]: Json } {
    const reports: Record<string, Json> = {};
    for (const observer of this.#observers) if (observer.report !== undefined) reports[observer.name] = observer.report();
    return reports;
  }

  async #reopen(): Promise<void> {
    await Promise.all([this.#log.reopen(), ...this.#observers.map((observer) => observer.reopen?.())]);
  }

  /** Tells the application, once, that this process will stop. */
  #drain(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drain(drained, this.#settings.target, this.#log);
  }

  async #end(): Promise<void> {
    let status = 0;
    this.#drain();
    try {
      await this.#serving?.shutdown();
      if (this.#shutdown !== undefined) this.#tell({ type: "runs", what: "shutdown" });
      await this.#shutdown?.();
    } catch (error) {
      status = 1;
      this.#log.error(`shutdown() of ${this.#settings.target} failed`, errorText(error));
    }
    this.#tell({ type: "report", id: 0, numbers: this.#numbers(), observers: this.#reports() });
    for (const observer of this.#observers) await observer.close?.();
    await this.#log.close();
    clearInterval(this.#beat);
    process.exit(status);
  }
}
