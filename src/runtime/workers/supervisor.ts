/** The parent process of a server with several processes: owns the database and the port, starts and replaces the others, and passes their messages on (ADR 40). */
import cluster, { type Worker } from "node:cluster";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Config } from "@/src/config/config";
import { divideConnections } from "@/src/config/layout";
import type { Log } from "@/src/core/log";
import type { LoopDelayReading } from "../loop-delay";
import type { Role } from "../node/siblings";
import { closeForgottenConnections } from "./close-forgotten";
import type { DashboardAddress, StartMessage, ToParent, ToWorker } from "./messages";
import { createSwitchboard } from "./switchboard";

/** The pause before a process that ended is started again. It doubles while the process ends again within STABLE_MS. */
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 30_000;
const STABLE_MS = 60_000;
/** A worker that does not stop by itself is killed. Longer than its requests may take, shorter than the time after which the server gives up. */
const STOP_MS_MAX = 12_000;
/** How often the supervisor looks for processes that hang. */
const WATCH_INTERVAL_MS = 5_000;
/** A process reports every 5 s. It hangs if this many looks find no message of it. */
const SILENT_LOOKS_MAX = 6;

export interface SupervisorOptions {
  config: Config;
  database: { url: string; isEmbedded: boolean };
  dashboard: DashboardAddress;
  /** The file that runs a worker, and its arguments. */
  script: string;
  args: string[];
  log: Log;
}

export interface Supervisor {
  /** The address at which the workers listen. */
  readonly url: string;
  /** Prints the address and, if there is no account, the set-up link. */
  announce(): Promise<void>;
  drain: () => void;
  reload: () => Promise<void>;
  /** Stops the workers, then the process with the dashboard. */
  stop(): Promise<void>;
}

/** A place for a process, which is filled again if the process ends. */
interface Slot {
  role: Role;
  name: string;
  worker: Worker | undefined;
  isListening: boolean;
  /** The number of looks since its last message. */
  silentLooks: number;
  loopDelay: LoopDelayReading | undefined;
  restartMs: number;
}

/** How far a process has come. Both reject with the error with which it ended. */
interface Progress {
  /** A worker can listen. The process with the dashboard listens. */
  loaded: Promise<void>;
  listening: Promise<void>;
}

/** Starts all processes. The port opens when all of them can serve. Throws an error that says what to do if one of them cannot start, after it has stopped the others. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new ProcessSupervisor(options);
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return supervisor;
}

class ProcessSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: Slot[];
  readonly #serverId = randomUUID();
  readonly #switchboard = createSwitchboard();
  readonly #watch: NodeJS.Timeout;
  #url = "";
  /** True when all processes have listened. Until then, the end of one of them ends the start. */
  #isStarted = false;
  /** The port at which the workers listen; 0: not known yet. */
  #port: number;
  #portToBind: number;
  #isStopping = false;
  #isDraining = false;
  #announced: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#port = options.config.port;
    this.#portToBind = options.config.port;
    const createSlot = (role: Role, name: string): Slot => {
      return { role, name, worker: undefined, isListening: false, silentLooks: 0, loopDelay: undefined, restartMs: RESTART_MS_MIN };
    };
    const workers = Array.from({ length: options.config.workers }, (_, index) => createSlot("data", `worker ${index + 1}`));
    this.#slots = [createSlot("dashboard", "dashboard"), ...workers];
    this.#watch = setInterval(() => this.#endSilent(), WATCH_INTERVAL_MS);
    this.#watch.unref();
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    // In a cluster on Windows, Node.js leaves the choice of the worker to the system by default, because passing connections on is slow there.
    if (process.platform !== "win32") cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ exec: this.#options.script, args: this.#options.args, execArgv: [...process.execArgv, "--enable-source-maps"] });
    const processes = this.#slots.map((slot) => ({ slot, ...this.#fill(slot) }));
    // Also those that end between two steps.
    const end = Promise.all(processes.map(({ listening }) => listening));
    await Promise.race([Promise.all(processes.map(({ loaded }) => loaded)), end]);
    // The first worker decides the port.
    const [first, ...others] = processes.filter(({ slot }) => slot.role === "data");
    if (first) this.#open(first.slot);
    await Promise.race([first?.listening, end]);
    for (const { slot } of others) this.#open(slot);
    await end;
    this.#isStarted = true;
    this.#shareHealth();
  }

  announce(): Promise<void> {
    return new Promise((resolve) => {
      this.#announced = resolve;
      for (const { role, worker } of this.#slots) if (role === "dashboard" && worker) this.#postAnnouncement(worker);
    });
  }

  readonly drain = (): void => {
    this.#isDraining = true;
    this.#broadcast({ kind: "drain" });
  };

  readonly reload = async (): Promise<void> => {
    this.#broadcast({ kind: "reload" });
  };

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#watch);
    // The dashboard still responds to the requests that the workers are serving.
    await Promise.all(this.#slots.filter(({ role }) => role === "data").map(stopSlot));
    await Promise.all(this.#slots.filter(({ role }) => role === "dashboard").map(stopSlot));
  }

  #fill(slot: Slot): Progress {
    const worker = cluster.fork();
    slot.worker = worker;
    slot.silentLooks = 0;
    closeForgottenConnections(worker);
    let failure = `The process "${slot.name}" ended while it started.`;
    const ended = once(worker, "exit").then(() => {
      throw new Error(failure);
    });
    worker.on("message", (message: ToParent) => {
      slot.silentLooks = 0;
      if (message.kind === "failed") failure = message.message;
      this.#receive(slot, worker, message);
    });
    const until = (...kinds: ToParent["kind"][]) =>
      new Promise<void>((resolve) => worker.on("message", ({ kind }: ToParent) => kinds.includes(kind) && resolve()));
    const progress = {
      loaded: Promise.race([until("loaded", "listening"), ended]),
      listening: Promise.race([until("listening"), ended]),
    };
    // Without a listener, an error of the channel would end this process. The process exits, too.
    worker.on("error", (error) => this.#options.log.warn({ err: error, process: slot.name }, "a message to a process could not be sent"));
    worker.once("exit", (code, signal) => this.#onExit(slot, worker, { code, signal }));
    // A caller may wait for neither.
    for (const step of Object.values(progress)) step.catch(() => undefined);
    return progress;
  }

  /** Lets a worker listen. */
  #open({ worker }: Slot): void {
    if (worker) post(worker, { kind: "listen", port: this.#choosePort() });
  }

  #postAnnouncement(worker: Worker): void {
    post(worker, { kind: "announce", url: this.#url });
  }

  /** Kills processes that hang. Their successors serve. Looks are counted, because the time also passes while the machine sleeps. */
  #endSilent(): void {
    for (const slot of this.#slots) {
      if (!slot.worker || !slot.isListening) continue;
      slot.silentLooks += 1;
      if (slot.silentLooks <= SILENT_LOOKS_MAX) continue;
      this.#options.log.error({ process: slot.name, pid: slot.worker.process.pid }, "a process does not respond; it is killed");
      slot.worker.process.kill("SIGKILL");
    }
  }

  #receive(slot: Slot, worker: Worker, message: ToParent): void {
    if (this.#switchboard.receive(worker, message)) return;
    switch (message.kind) {
      case "hello":
        this.#switchboard.join(worker, slot.role);
        post(worker, this.#toStart(slot));
        break;
      case "loaded":
        if (this.#isStarted) this.#open(slot);
        break;
      case "listening":
        this.#onListening(slot, worker, message);
        break;
      case "announced":
        this.#announced?.();
        this.#announced = undefined;
        break;
      case "failed":
        if (this.#isStarted && !this.#isStopping)
          this.#options.log.error({ process: slot.name, reason: message.message }, "a process could not start");
        break;
      case "loopDelay":
        slot.loopDelay = message.reading;
        this.#shareHealth();
        break;
    }
  }

  #onListening(slot: Slot, worker: Worker, { url, port }: { url: string; port: number }): void {
    slot.isListening = true;
    this.#options.log.info({ process: slot.name, pid: worker.process.pid }, "a process serves");
    if (slot.role === "data") {
      this.#url = url;
      this.#port = port;
    } else if (this.#announced) {
      // Its predecessor ended before it had announced.
      this.#postAnnouncement(worker);
    }
    setTimeout(() => {
      if (slot.worker === worker) slot.restartMs = RESTART_MS_MIN;
    }, STABLE_MS).unref();
    if (this.#isDraining) post(worker, { kind: "drain" });
    this.#shareHealth();
  }

  /** Workers share a socket if they name the same port, even if that is 0. Without a worker that listens, a new socket gets the port of the last one. */
  #choosePort(): number {
    if (!this.#slots.some(({ role, isListening }) => role === "data" && isListening)) this.#portToBind = this.#port;
    return this.#portToBind;
  }

  #toStart({ role, name }: Slot): StartMessage {
    const { config, database, dashboard } = this.#options;
    const { dashboard: ofDashboard, worker: ofWorker } = divideConnections(config, config.databaseConnectionsMax);
    return {
      kind: "start",
      ...{ role, name, serverId: this.#serverId, dashboard },
      ...{ databaseUrl: database.url, isDatabaseEmbedded: database.isEmbedded },
      connectionsMax: role === "dashboard" ? ofDashboard : ofWorker,
    };
  }

  #onExit(slot: Slot, worker: Worker, { code, signal }: { code: number | null; signal: string | null }): void {
    this.#switchboard.leave(worker);
    slot.worker = undefined;
    slot.isListening = false;
    slot.loopDelay = undefined;
    if (this.#isStopping || !this.#isStarted) return;
    const { log } = this.#options;
    const restartInMs = slot.restartMs;
    slot.restartMs = Math.min(slot.restartMs * 2, RESTART_MS_MAX);
    log.error(
      { process: slot.name, pid: worker.process.pid, code, signal, restartInMs },
      "a process ended unexpectedly; it is started again",
    );
    this.#shareHealth();
    setTimeout(() => {
      // If it ends while it starts, `#onExit` tries again.
      if (!this.#isStopping) this.#fill(slot);
    }, restartInMs).unref();
  }

  #shareHealth(): void {
    const running = this.#slots.filter(({ isListening }) => isListening).length;
    const loopDelays = this.#slots.flatMap(({ loopDelay }) => loopDelay ?? []);
    this.#broadcast({ kind: "health", health: { processes: { running, configured: this.#slots.length }, loopDelays } });
  }

  #broadcast(message: ToWorker): void {
    for (const { worker, isListening } of this.#slots) if (worker && isListening) post(worker, message);
  }
}

async function stopSlot({ worker }: Slot): Promise<void> {
  if (!worker || worker.isDead()) return;
  const exited = once(worker, "exit");
  post(worker, { kind: "stop" });
  const timer = setTimeout(() => worker.process.kill("SIGKILL"), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}

function post(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
