/** Collects requests for the request log (G32): those that fail, and all of a project that is being recorded. A periodic job stores them. */
import type { Clock } from "@/src/core/clock";
import { isAppError } from "@/src/shared/errors";
import type { LoggedRequest, RequestLogStore } from "./ports";

/** How many requests of one project, and of all, are collected until the next call of `sync`. More are counted, but not logged. */
const PROJECT_REQUESTS_MAX = 100;
const REQUESTS_MAX = 1_000;

export interface RequestLog {
  /**
   * True if a request is to be logged: it has failed, or its project is recorded. False if enough of the project's requests were logged in this second. When
   * there is no room, the project with the most requests loses its last one to a project with fewer, so a flood of some projects leaves out no other one.
   */
  wants(projectId: string, hasFailed: boolean): boolean;
  /** Call it only if the request is wanted. */
  add(request: LoggedRequest): void;
  /** Stores the collected requests, and reads which projects are recorded. Call it each second, one call at a time. Throws if that fails; the requests are kept. */
  sync(): Promise<void>;
}

export function createRequestLog({ store, clock }: { store: Pick<RequestLogStore, "add" | "findRecorded">; clock: Clock }): RequestLog {
  let recorded: ReadonlySet<string> = new Set();
  /** By project. */
  let collected = new Map<string, LoggedRequest[]>();
  let size = 0;
  /** Those that are being stored, or could not be stored yet. */
  let storing: readonly LoggedRequest[] = [];

  /** The collected requests of the project that has most. */
  function findMost(): LoggedRequest[] {
    let most: LoggedRequest[] = [];
    for (const requests of collected.values()) if (requests.length > most.length) most = requests;
    return most;
  }

  async function storeAll(): Promise<void> {
    try {
      await store.add(storing);
    } catch (error) {
      // Requests that cannot be stored at all must not hold back the ones after them.
      if (!isAppError(error)) storing = [];
      throw error;
    }
    storing = [];
  }

  return {
    wants(projectId, hasFailed) {
      if (!hasFailed && (recorded.size === 0 || !recorded.has(projectId))) return false;
      const count = collected.get(projectId)?.length ?? 0;
      if (count >= PROJECT_REQUESTS_MAX) return false;
      return size < REQUESTS_MAX || count + 1 < findMost().length;
    },
    add(request) {
      if (size >= REQUESTS_MAX) {
        findMost().pop();
        size -= 1;
      }
      const requests = collected.get(request.projectId);
      if (requests) requests.push(request);
      else collected.set(request.projectId, [request]);
      size += 1;
    },
    async sync() {
      // Requests that could not be stored before come first.
      if (storing.length > 0) await storeAll();
      if (size > 0) {
        storing = [...collected.values()].flat().sort((a, b) => a.at - b.at);
        collected = new Map();
        size = 0;
        await storeAll();
      }
      recorded = new Set(await store.findRecorded(clock.now().getTime()));
    },
  };
}
