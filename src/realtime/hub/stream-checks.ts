/** Authorizes open streams again, and ends those that have lost access (W6). */
import type { Access } from "@/src/core/access/access";
import type { Log } from "@/src/core/log";
import { createRecheckQueue } from "./recheck-queue";
import type { Session } from "./session";

export interface StreamChecks {
  /** Checks the streams of a project, or those that an account opened in the dashboard. Never rejects: `retry` repeats what fails. */
  recheckAll(id: string): Promise<void>;
  /** Checks one stream in the next turn of the event loop, once, however often this is called until then. */
  recheckSoon(session: Session): void;
  /** Repeats the checks that failed. Call it each second. */
  retry(): void;
}

export function createStreamChecks({
  sessions,
  access,
  log,
}: {
  /** The open streams. */
  sessions: () => Iterable<Session>;
  access: Pick<Access, "recheck">;
  log: Pick<Log, "debug">;
}): StreamChecks {
  /** Projects whose check failed. */
  const failedProjectIds = new Set<string>();
  let soon = new Set<Session>();

  async function check(session: Session): Promise<void> {
    try {
      const problem = await access.recheck(session.grant);
      if (problem) session.end(problem);
    } catch (error) {
      failedProjectIds.add(session.grant.projectId);
      log.debug({ err: error }, "the access of open streams could not be checked");
    }
  }

  async function checkAll(id: string): Promise<void> {
    failedProjectIds.delete(id);
    const concerned = [...sessions()].filter(({ grant }) => grant.projectId === id || grant.signIn?.userId === id);
    await Promise.all(concerned.map(check));
  }

  function checkSoon(): void {
    const due = soon;
    soon = new Set();
    for (const session of due) void check(session);
  }

  const queue = createRecheckQueue(checkAll);
  return {
    recheckAll: (id) => queue.add(id),
    recheckSoon: (session) => {
      if (soon.size === 0) setImmediate(checkSoon);
      soon.add(session);
    },
    retry: () => {
      for (const projectId of [...failedProjectIds]) void queue.add(projectId);
    },
  };
}
