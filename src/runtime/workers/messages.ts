/** The messages between the processes of a server: its parent process, its workers, and the process with the dashboard (ADR 40). */
import type { LoginAttempt } from "@/src/core/limits/ports";
import type { CountMessage } from "@/src/limits/count-exchange";
import type { LoopDelayReading } from "../loop-delay";
import type { Role } from "../node/siblings";

/** The part that a process has in the server. Sent when the process is loaded. */
export interface StartMessage {
  kind: "start";
  role: Role;
  /** For the log. */
  name: string;
  serverId: string;
  databaseUrl: string;
  isDatabaseEmbedded: boolean;
  connectionsMax: number;
  dashboard: DashboardAddress;
}

/** Where the process with the dashboard receives requests from the workers. */
export interface DashboardAddress {
  /** A Unix socket, or a named pipe on Windows. */
  path: string;
  /** Proves that a request comes from a worker. */
  secret: string;
}

/** The reports of all processes of a server. */
export interface ServerHealth {
  /** The processes that can serve, and those that there should be. */
  processes: { running: number; configured: number };
  /** For each process with a reading. */
  loopDelays: LoopDelayReading[];
}

export type LoginCall = "begin" | "succeed" | "withdraw";

/** An `AppError` with the code `rate_limited`. */
export interface LoginRefusal {
  detail: string;
  retryAfterSeconds: number;
}

/** Sent by the parent process. */
export type ToWorker =
  | StartMessage
  /** For a worker that is loaded. 0: any free port. */
  | { kind: "listen"; port: number }
  /** A message of the cluster bus. */
  | { kind: "bus"; text: string }
  /** Respond with `fenced` when everything that was received before is processed. */
  | { kind: "fence"; id: number }
  /** The other workers have processed everything that this one sent before its fence. */
  | { kind: "fenced"; id: number }
  | { kind: "counts"; counts: CountMessage }
  | { kind: "returned"; id: number; refusal?: LoginRefusal | undefined }
  | { kind: "health"; health: ServerHealth }
  /** For the process with the dashboard: everything listens, at this address. */
  | { kind: "announce"; url: string }
  | { kind: "drain" }
  | { kind: "stop" }
  | { kind: "reload" };

/** Sent by a worker. */
export type ToParent =
  | { kind: "hello" }
  /** A worker can serve, and waits for `listen`. */
  | { kind: "loaded" }
  | { kind: "listening"; url: string; port: number }
  | { kind: "announced" }
  /** The process could not start. For the person who starts the server. */
  | { kind: "failed"; message: string }
  /** `isHint`: only for processes with streams. */
  | { kind: "bus"; text: string; isHint: boolean }
  | { kind: "fence"; id: number }
  | { kind: "fenced"; id: number }
  | { kind: "counts"; counts: CountMessage }
  | { kind: "call"; id: number; method: LoginCall; attempt: LoginAttempt }
  | { kind: "loopDelay"; reading: LoopDelayReading };
