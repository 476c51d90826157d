/** How many records one statement examines with the condition of a rule: few at first, more while statements are fast. */
const FIRST = 2_000;
const MAX = 20_000;
const MIN = 100;
const FAST_MS = 100;
const SLOW_MS = 1_000;

export interface ExamineSize {
  /** For the next statement. */
  readonly count: number;
  /** Call it with the time that a statement has taken. */
  note(ms: number): void;
}

export function createExamineSize(): ExamineSize {
  let count = FIRST;
  return {
    get count() {
      return count;
    },
    note: (ms) => {
      if (ms < FAST_MS) count = Math.min(MAX, 4 * count);
      else if (ms > SLOW_MS) count = Math.max(MIN, Math.floor(count / 4));
    },
  };
}
