/** Collects requests for the request log (G32): those that fail, and all of a project that is being recorded. A periodic job stores them. */
import type { Clock } from "@/src/core/clock";
import { isAppError } from "@/src/shared/errors";
import type { LoggedRequest, RequestLogStore } from "./ports";

/** How many requests of one project, and of all, are collected until the next call of `sync`. More are counted, but not logged. */
const PROJECT_REQUESTS_MAX = 100;
const REQUESTS_MAX = 1_000;

export interface RequestLog {
  /** True if a request is to be logged: it has failed, or its project is recorded. False if enough of the project's requests were logged in this second. */
  wants(projectId: string, hasFailed: boolean): boolean;
  add(request: LoggedRequest): void;
  /** Stores the collected requests, and reads which projects are recorded. Call it each second, one call at a time. Throws if that fails; the requests are kept. */
  sync(): Promise<void>;
}

export function createRequestLog({ store, clock }: { store: Pick<RequestLogStore, "add" | "findRecorded">; clock: Clock }): RequestLog {
  let recorded: ReadonlySet<string> = new Set();
  let collected: LoggedRequest[] = [];
  /** By project. */
  const counts = new Map<string, number>();

  /** Those that arrived meanwhile follow with the next call. */
  function forget(count: number): void {
    collected = collected.slice(count);
    counts.clear();
    for (const { projectId } of collected) counts.set(projectId, (counts.get(projectId) ?? 0) + 1);
  }

  return {
    wants(projectId, hasFailed) {
      if (!hasFailed && (recorded.size === 0 || !recorded.has(projectId))) return false;
      return collected.length < REQUESTS_MAX && (counts.get(projectId) ?? 0) < PROJECT_REQUESTS_MAX;
    },
    add(request) {
      counts.set(request.projectId, (counts.get(request.projectId) ?? 0) + 1);
      collected.push(request);
    },
    async sync() {
      if (collected.length > 0) {
        const storing = collected;
        try {
          await store.add(storing);
        } catch (error) {
          // Requests that cannot be stored at all must not hold back the ones after them.
          if (!isAppError(error)) forget(storing.length);
          throw error;
        }
        forget(storing.length);
      }
      recorded = new Set(await store.findRecorded(clock.now().getTime()));
    },
  };
}
