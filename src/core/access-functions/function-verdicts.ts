/**
 * Evaluates access functions (S8) in the sandbox: many records in one job, `find` in rounds between jobs. A function is deterministic, so a call that waits
 * for a find is repeated from its start when the result is known.
 */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Log } from "@/src/core/log";
import type { FunctionCase, FunctionJudgement, Sandbox } from "@/src/core/sandbox";
import { AppError, isAppError } from "@/src/shared/errors";
import { FUNCTION_FINDS_MAX } from "./limits";
import type { FoundRecords, RecordFinder } from "./ports";

/** The maximum number of cases in one job. */
const CASES_MAX = 256;
/** The maximum number of characters of the cases and found records in one job, except that one case may have more. */
const JOB_LENGTH_MAX = 2 * 1024 * 1024;
/** The maximum number of characters of found records that are kept for the cases of one call. */
const FOUND_LENGTH_MAX = 8 * 1024 * 1024;
/** The interval of the log entries of one endpoint, and the number of endpoints for which it is observed. */
const LOG_INTERVAL_MS = 1_000;
const NOTED_MAX = 1_000;
/** Calls with at most this number of cases are shared. */
const SHARED_CASES_MAX = 4;
/** The maximum time that the finds of one call may take together, in milliseconds. */
const FIND_MS_MAX = 10_000;
/** After this number of cases that exceed a limit, the others of the call are not evaluated. Each can take the whole time limit. */
const LIMITS_EXCEEDED_MAX = 3;
const LIMITS: ReadonlySet<string> = new Set(["time", "memory", "depth", "output"]);

/** A call of a function that has ended. */
export type FunctionVerdict = Exclude<FunctionJudgement, { outcome: "waits" }>;

export interface FunctionCall {
  source: string;
  endpointId: string;
  projectId: string;
  /** The account whose records `find` reads. */
  ownerId: string;
  /** Equal for callers that the function cannot distinguish (RecordJudge). Equal calls that wait at the same time are one. */
  identity: string;
  /** JSON text: what all cases have in common. */
  common: string;
  cases: readonly FunctionCase[];
  /**
   * True: if the sandbox or the database is busy, the verdicts before the first missing one are returned. Absent: the call throws then, and after too many
   * cases that exceed a limit, the remaining ones are refused.
   */
  isPartial?: boolean | undefined;
  caller: CallerPath;
  signal?: AbortSignal | undefined;
  /** Called for each endpoint or record that a find has read. */
  onFound?: ((source: NonNullable<FoundRecords["source"]>) => void) | undefined;
}

export interface FunctionVerdicts {
  /**
   * Returns a verdict for each case, in their order (fewer: see `isPartial`). A function that fails is logged with its line, and never with data. Throws
   * retryable errors of the sandbox and the database (`server_busy`, `rate_limited`, `database_unavailable`), and the signal's reason: then there is no
   * verdict, and the caller refuses.
   */
  evaluate(call: FunctionCall): Promise<FunctionVerdict[]>;
}

export function createFunctionVerdicts({
  sandbox,
  finder,
  log,
}: {
  sandbox: Pick<Sandbox, "judgeFunction">;
  finder: RecordFinder;
  log: Pick<Log, "warn">;
}): FunctionVerdicts {
  /** Calls that no worker has begun. */
  const waiting = new Map<string, Shared>();

  const note = createFailureLog(log);

  async function evaluate(call: FunctionCall, onBegin?: () => void): Promise<FunctionVerdict[]> {
    const verdicts = await new Evaluation(call, { sandbox, finder, onBegin }).run();
    note(call.endpointId, verdicts);
    return verdicts;
  }

  return {
    evaluate(call) {
      if (call.cases.length > SHARED_CASES_MAX) return evaluate(call);
      const { endpointId, identity, caller, cases, onFound } = call;
      const key = JSON.stringify([endpointId, identity, caller, cases]);
      const known = waiting.get(key);
      if (known) {
        if (onFound) known.onFound.push(onFound);
        return known.verdicts;
      }
      const listeners = onFound ? [onFound] : [];
      const end = () => {
        if (waiting.get(key) === shared) waiting.delete(key);
      };
      // Without the signal, because others may wait for the same verdicts. Found records are read after the call has begun, so nobody gets older ones.
      const verdicts = evaluate(
        {
          ...call,
          signal: undefined,
          onFound: (source) => {
            for (const listener of listeners) listener(source);
          },
        },
        end,
      ).finally(end);
      const shared: Shared = { verdicts, onFound: listeners };
      waiting.set(key, shared);
      return verdicts;
    },
  };
}

/** Logs the failures of an endpoint's function at most once a second, with their number. Without messages, which can quote data. */
function createFailureLog(log: Pick<Log, "warn">): (endpointId: string, verdicts: readonly FunctionVerdict[]) => void {
  /** By endpoint, the oldest first. */
  const noted = new Map<string, { at: number; failures: number }>();
  return (endpointId, verdicts) => {
    const failed = verdicts.filter((verdict) => verdict.outcome === "failed");
    const [first] = failed;
    if (!first) return;
    const before = noted.get(endpointId) ?? { at: Number.NEGATIVE_INFINITY, failures: 0 };
    const failures = before.failures + failed.length;
    const now = performance.now();
    const isDue = now - before.at >= LOG_INTERVAL_MS;
    noted.delete(endpointId);
    noted.set(endpointId, isDue ? { at: now, failures: 0 } : { at: before.at, failures });
    const [oldest] = noted.keys();
    if (noted.size > NOTED_MAX && oldest !== undefined) noted.delete(oldest);
    const { cause, line } = first;
    if (isDue) log.warn({ endpointId, cause, line, failures }, "an access function failed");
  };
}

interface Shared {
  verdicts: Promise<FunctionVerdict[]>;
  onFound: NonNullable<FunctionCall["onFound"]>[];
}

/** A case without a verdict yet. */
interface Waiting {
  index: number;
  case: FunctionCase;
  /** The finds that it has made so far. */
  keys: readonly string[];
}

class Evaluation {
  readonly #call: FunctionCall;
  readonly #sandbox: Pick<Sandbox, "judgeFunction">;
  readonly #finder: RecordFinder;
  readonly #onBegin: (() => void) | undefined;
  #findMs = 0;
  readonly #verdicts: FunctionVerdict[] = [];
  /** The results of finds, by key. Equal finds of all cases share one read. */
  readonly #found = new Map<string, string>();
  #foundLength = 0;
  #limitsExceeded = 0;

  constructor(
    call: FunctionCall,
    { sandbox, finder, onBegin }: { sandbox: Pick<Sandbox, "judgeFunction">; finder: RecordFinder; onBegin: (() => void) | undefined },
  ) {
    this.#call = call;
    this.#sandbox = sandbox;
    this.#finder = finder;
    this.#onBegin = onBegin;
  }

  async run(): Promise<FunctionVerdict[]> {
    let waiting: Waiting[] = this.#call.cases.map((each, index) => ({ index, case: each, keys: [] }));
    while (waiting.length > 0) {
      if (!this.#call.isPartial && this.#limitsExceeded >= LIMITS_EXCEEDED_MAX) {
        for (const { index } of waiting) this.#verdicts[index] = { outcome: "failed", cause: "time" };
        break;
      }
      try {
        waiting = await this.#step(waiting);
      } catch (error) {
        const known = this.#verdicts.slice(0, Math.min(...waiting.map(({ index }) => index)));
        if (this.#call.isPartial && known.length > 0 && isAppError(error) && error.entry.retryable) return known;
        throw error;
      }
    }
    return this.#verdicts;
  }

  /** Evaluates the first cases, and returns those without a verdict. */
  async #step(waiting: readonly Waiting[]): Promise<Waiting[]> {
    const candidates = waiting.slice(0, CASES_MAX);
    await this.#load(candidates);
    const batch = this.#takeBatch(candidates);
    const judgements = await this.#judge(batch);
    const judged = batch.slice(0, judgements.length);
    // Cases that have begun go first, so that their found records are not read again.
    const later = judged.flatMap((each, at) => this.#settle(each, judgements[at] ?? { outcome: "failed", cause: "pending" }));
    return [...later, ...waiting.slice(judged.length)];
  }

  /** Reads what the cases wait for, in their order: all of the first case, and of the others until enough is in memory. */
  async #load(cases: readonly Waiting[]): Promise<void> {
    if (this.#foundLength > FOUND_LENGTH_MAX) {
      this.#found.clear();
      this.#foundLength = 0;
    }
    const needed = new Set(cases[0]?.keys ?? []);
    const missing = [...new Set(cases.flatMap(({ keys }) => keys))].filter((key) => !this.#found.has(key));
    const { projectId, ownerId, signal, onFound } = this.#call;
    while (missing.length > 0 && (this.#foundLength <= FOUND_LENGTH_MAX || needed.has(missing[0] ?? ""))) {
      if (this.#findMs > FIND_MS_MAX)
        throw new AppError("server_busy", { detail: "The finds of the access function take too long. Try again shortly." });
      const startedAt = performance.now();
      const results = await this.#finder.find({ projectId, ownerId, keys: missing, lengthMax: FOUND_LENGTH_MAX, signal });
      this.#findMs += performance.now() - startedAt;
      if (results.length === 0) throw new AppError("internal_error", { internal: "the finder returned nothing" });
      for (const [at, key] of missing.splice(0, results.length).entries()) {
        const { text = "", source } = results[at] ?? {};
        this.#found.set(key, text);
        this.#foundLength += text.length;
        if (source) onFound?.(source);
      }
    }
  }

  /** The first cases that fit into one job and have their found records, but at least one. */
  #takeBatch(candidates: readonly Waiting[]): Waiting[] {
    const batch: Waiting[] = [];
    const counted = new Set<string>();
    let length = 0;
    for (const each of candidates) {
      length += each.case.record.length + each.case.input.length;
      for (const key of each.keys) {
        if (!counted.has(key)) length += this.#found.get(key)?.length ?? 0;
        counted.add(key);
      }
      if (batch.length > 0 && (length > JOB_LENGTH_MAX || !each.keys.every((key) => this.#found.has(key)))) break;
      batch.push(each);
    }
    return batch;
  }

  #judge(batch: readonly Waiting[]): Promise<FunctionJudgement[]> {
    const { source, common, caller, signal } = this.#call;
    const keys = new Set(batch.flatMap((each) => each.keys));
    const found = [...keys].map((key): [string, string] => [key, this.#found.get(key) ?? ""]);
    return this.#sandbox.judgeFunction(
      { source, common, cases: batch.map((each) => each.case), found },
      { caller, signal, onBegin: this.#onBegin },
    );
  }

  /** Stores a verdict, or returns the case with the finds that it now waits for. */
  #settle(each: Waiting, judgement: FunctionJudgement): Waiting[] {
    if (judgement.outcome !== "waits") {
      if (judgement.outcome === "failed" && LIMITS.has(judgement.cause)) this.#limitsExceeded += 1;
      this.#verdicts[each.index] = judgement;
      return [];
    }
    const keys = [...new Set([...each.keys, ...judgement.finds])];
    // A worker that waits for what it has received, or for too much, is broken.
    if (keys.length === each.keys.length || keys.length > FUNCTION_FINDS_MAX) {
      this.#verdicts[each.index] = { outcome: "failed", cause: "pending" };
      return [];
    }
    return [{ ...each, keys }];
  }
}
