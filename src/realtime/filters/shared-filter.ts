/** One filter of several streams (W13). It is evaluated on behalf of their callers in turn, so that a caller without CPU budget does not delay the others. */
import { AppError } from "@/src/shared/errors";
import type { RecordFilter } from "./record-filter";

/** The number of callers that are tried for one list of records. */
const TRIES_MAX = 16;

export interface SharedFilter extends Pick<RecordFilter, "expression" | "judge"> {
  /** Adds a stream with the filter. */
  add(filter: RecordFilter): void;
  /** Removes a stream that has ended. */
  remove(filter: RecordFilter): void;
}

interface Caller {
  filter: RecordFilter;
  streams: number;
}

export function createSharedFilter(expression: string): SharedFilter {
  /** The callers in the order of their turns. */
  const callers = new Map<string, Caller>();

  function takeNext(): RecordFilter | undefined {
    const [next] = callers;
    if (!next) return undefined;
    const [name, caller] = next;
    callers.delete(name);
    callers.set(name, caller);
    return caller.filter;
  }

  return {
    expression,
    add(filter) {
      const name = toName(filter);
      const caller = callers.get(name);
      if (caller) caller.streams += 1;
      else callers.set(name, { filter, streams: 1 });
    },
    remove(filter) {
      const name = toName(filter);
      const caller = callers.get(name);
      if (!caller) return;
      caller.streams -= 1;
      if (caller.streams === 0) callers.delete(name);
    },
    async judge(records, signal) {
      const verdicts: boolean[] = [];
      // Without a caller, nothing can be evaluated.
      let failed: AppError | undefined = callers.size === 0 ? new AppError("server_busy") : undefined;
      for (let tries = Math.min(callers.size, TRIES_MAX); tries > 0; tries -= 1) {
        const filter = takeNext();
        if (!filter) break;
        const judged = await filter.judge(records.slice(verdicts.length), signal);
        verdicts.push(...judged.verdicts);
        failed = judged.failed;
        if (failed?.code !== "rate_limited") break;
      }
      return { verdicts, failed };
    },
  };
}

function toName({ caller }: RecordFilter): string {
  return JSON.stringify(caller);
}
