/** Runs the checks of projects. Many requests in a row share few runs. */

export interface RecheckQueue {
  /** Checks the project in a run that begins after this call, and settles when the run has ended. Calls that come during a run share the next one. */
  add(projectId: string): Promise<void>;
}

/** `check` must not reject. The first run begins before `add` returns. */
export function createRecheckQueue(check: (projectId: string) => Promise<void>): RecheckQueue {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  function run(projectId: string): Promise<void> {
    waiting.delete(projectId);
    const checked = check(projectId).finally(() => {
      if (running.get(projectId) === checked) running.delete(projectId);
    });
    running.set(projectId, checked);
    return checked;
  }

  return {
    add: (projectId) => {
      const current = running.get(projectId);
      if (!current) return run(projectId);
      const next = waiting.get(projectId) ?? current.then(() => run(projectId));
      waiting.set(projectId, next);
      return next;
    },
  };
}
