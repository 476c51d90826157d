/** The processes of a server, and how they share its connections to the database. */
import os from "node:os";

export interface Layout {
  /** The number of processes that serve the endpoints and streams. Always 1 in development. */
  workers: number;
  /** True if the dashboard and the management API run in a process of their own. False: one process serves everything. */
  hasDashboardProcess: boolean;
}

const WORKERS_MAX = 64;
/** The connections of a process that serves everything. */
const CONNECTIONS_DEFAULT = 24;
/** The connections of the dashboard's process. The workers share the others. */
const DASHBOARD_CONNECTIONS = 10;
/** Enough that reads and writes of a worker do not wait for each other. */
const WORKER_CONNECTIONS = 7;
/** With fewer, a worker would lack a connection for one of its purposes (E6). */
const WORKER_CONNECTIONS_MIN = 5;
/** PostgreSQL's own default is 100 connections, some of which it reserves. */
const CONNECTIONS_DEFAULT_MAX = 90;

interface LayoutVariables {
  NODE_ENV?: string | undefined;
  RESTED_WORKERS?: string | undefined;
  RESTED_DASHBOARD_PROCESS?: string | undefined;
}

/** Returns a sentence that describes valid values of RESTED_WORKERS, or undefined if the value is valid. */
export function workersProblem(value: string): string | undefined {
  const isValid = value === "auto" || (/^\d{1,2}$/.test(value) && Number(value) >= 1 && Number(value) <= WORKERS_MAX);
  return isValid ? undefined : `Use a whole number from 1 to ${WORKERS_MAX}, or auto for one worker per processor.`;
}

/** The variables must be valid. In development there is one process, because Next.js reloads pages over a connection to it. */
export function toLayout({ NODE_ENV, RESTED_WORKERS, RESTED_DASHBOARD_PROCESS }: LayoutVariables): Layout {
  if (NODE_ENV === "development") return { workers: 1, hasDashboardProcess: false };
  const workers = RESTED_WORKERS === "auto" ? Math.min(os.availableParallelism(), WORKERS_MAX) : Number(RESTED_WORKERS ?? 1);
  const isSeparate = RESTED_DASHBOARD_PROCESS === "1" || RESTED_DASHBOARD_PROCESS === "true";
  return { workers, hasDashboardProcess: workers > 1 || isSeparate };
}

/** Returns the number of connections to the database that the server needs at least. */
export function toConnectionsMin({ workers, hasDashboardProcess }: Layout): number {
  return hasDashboardProcess ? DASHBOARD_CONNECTIONS + WORKER_CONNECTIONS_MIN * workers : 0;
}

/** Returns the default of RESTED_DATABASE_CONNECTIONS_MAX. */
export function toConnectionsDefault(layout: Layout): number {
  if (!layout.hasDashboardProcess) return CONNECTIONS_DEFAULT;
  const wanted = DASHBOARD_CONNECTIONS + WORKER_CONNECTIONS * layout.workers;
  return Math.max(CONNECTIONS_DEFAULT, Math.min(wanted, CONNECTIONS_DEFAULT_MAX), toConnectionsMin(layout));
}

/** Divides the connections among the processes. `connectionsMax` must be at least {@link toConnectionsMin}. */
export function divideConnections(layout: Layout, connectionsMax: number): { dashboard: number; worker: number } {
  return { dashboard: DASHBOARD_CONNECTIONS, worker: Math.floor((connectionsMax - DASHBOARD_CONNECTIONS) / layout.workers) };
}
