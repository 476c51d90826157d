/** Collects what must be closed, and closes it in reverse order, however a run ends. */

export interface Cleanup {
  /** `undo` is called once, by `run`. */
  add(undo: () => unknown): void;
  /** Undoes everything, even if something fails. Then throws the first error. */
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const undos: (() => unknown)[] = [];
  return {
    add: (undo) => undos.push(undo),
    run: async () => {
      const failures: unknown[] = [];
      for (let undo = undos.pop(); undo; undo = undos.pop()) {
        try {
          await undo();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
