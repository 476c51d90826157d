/** Runs checks of projects so that many causes in a row cost few checks. It must not know what is checked. */

export interface RecheckQueue {
  /** Has the project checked by a run that begins after this call; settles when it has ended. Calls that come while one runs share the next one. */
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
