/** Judges by access functions (S8), and their combination with the rules of the endpoint: both must allow. */
import { createHash } from "node:crypto";
import type { CallerPath } from "@/src/core/access/caller-path";
import type {
  JudgeDependency,
  JudgedOperation,
  JudgedRecord,
  JudgeOptions,
  JudgeRequest,
  RecordJudge,
  RecordJudges,
} from "@/src/core/access/record-judge";
import type { UserData } from "@/src/core/access/user-data";
import type { Clock } from "@/src/core/clock";
import { findDuplicateKey } from "@/src/core/json/duplicates";
import { andThen, type MaybePromise } from "@/src/core/maybe-promise";
import type { FunctionCase } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import { joinCommon, toFunctionCases, toRequestText, toUserText } from "./function-input";
import type { FunctionVerdict, FunctionVerdicts } from "./function-verdicts";
import type { FoundRecords } from "./ports";

/** The maximum number of dependencies on single records that are kept. More become one on all records of their endpoints. */
const DEPENDENCIES_MAX = 200;

export interface FunctionJudgesOptions {
  verdicts: FunctionVerdicts;
  userData: Pick<UserData, "find" | "isCurrent">;
  clock: Clock;
}

/** The judges of `rules`, which apply to every endpoint that has rules or a function, and the access function of the endpoint, if it has one. */
export function createFunctionJudges(rules: RecordJudges, options: FunctionJudgesOptions): RecordJudges {
  const identities = new WeakMap<object, string>();
  const toSourceHash = (endpoint: JudgeRequest["resolved"]["endpoint"], source: string): string => {
    const hash = identities.get(endpoint) ?? createHash("sha256").update(source).digest("base64url");
    identities.set(endpoint, hash);
    return hash;
  };

  async function findFunctionJudge(request: JudgeRequest, source: string): Promise<RecordJudge> {
    const { user } = request;
    const userData = user && (await options.userData.find(user.endpointId, user.id));
    // The user was deleted after the token was looked up.
    if (user && userData === null) throw new AppError("access_token_invalid");
    return new FunctionJudge({ request, source, sourceHash: toSourceHash(request.resolved.endpoint, source), userData, options });
  }

  return {
    isJudged: (endpoint) => endpoint.accessFunction !== null || rules.isJudged(endpoint),
    find(request) {
      const { accessFunction } = request.resolved.endpoint;
      if (accessFunction === null) return rules.find(request);
      return andThen(rules.find(request), async (judge) => combineJudges(judge, await findFunctionJudge(request, accessFunction)));
    },
  };
}

class FunctionJudge implements RecordJudge {
  readonly identity: string;
  readonly hidesFields = false;
  readonly condition = undefined;
  readonly #request: JudgeRequest;
  readonly #source: string;
  readonly #options: FunctionJudgesOptions;
  /** JSON texts of the parts of the input that do not change. */
  readonly #user: string;
  readonly #userData: string | null;
  readonly #client: string;
  readonly #dependencies = new Map<string, JudgeDependency>();
  caller: CallerPath | undefined;
  #lastRefusal: AppError | undefined;

  constructor({
    request,
    source,
    sourceHash,
    userData,
    options,
  }: {
    request: JudgeRequest;
    source: string;
    sourceHash: string;
    userData: string | null;
    options: FunctionJudgesOptions;
  }) {
    const { user, origin } = request;
    const { key } = request.resolved;
    this.#request = request;
    this.#source = source;
    this.#options = options;
    this.#userData = userData;
    this.#user = toUserText(user && userData !== null ? { id: user.id, endpoint: request.userEndpoint, data: userData } : null);
    this.#client = toRequestText({ origin: origin ?? null, key });
    // Everything that the function sees, other than the record, the input and the time.
    this.identity = createHash("sha256")
      .update(JSON.stringify([sourceHash, this.#user, this.#client]))
      .digest("base64url");
    if (user) this.#dependencies.set(user.endpointId + user.id, { endpointId: user.endpointId, recordId: user.id, isInIdentity: true });
  }

  get lastRefusal(): AppError | undefined {
    return this.#lastRefusal;
  }

  async judge(operation: JudgedOperation, records: readonly JudgedRecord[], options: JudgeOptions = {}): Promise<readonly boolean[]> {
    this.#lastRefusal = undefined;
    if (records.length === 0) return [];
    if (operation === "create" || operation === "update") {
      const bodies = operation === "create" ? records.map(({ data }) => data) : [options.input ?? "null"];
      const refusal = refuseDuplicates(bodies);
      if (refusal) {
        if (records.length === 1) this.#lastRefusal = refusal;
        return records.map(() => false);
      }
    }
    const cases = records.flatMap((record) => toFunctionCases(operation, record, options.input));
    const perRecord = cases.length / records.length;
    const [only] = records.length === 1 ? records : [];
    const verdicts = await this.#evaluate(cases, { isPartial: operation === "subscribe", judgedId: only?.uniqueId }, options);
    if (records.length === 1) this.#lastRefusal = toRefusal(verdicts.find((verdict) => !isAllowed(verdict)));
    const judged = records.slice(0, Math.floor(verdicts.length / perRecord));
    if (judged.length === 0) throw new AppError("server_busy");
    return judged.map((_, index) => verdicts.slice(index * perRecord, (index + 1) * perRecord).every(isAllowed));
  }

  /** `judgedId`: of the only record. */
  #evaluate(
    cases: readonly FunctionCase[],
    { isPartial, judgedId }: { isPartial: boolean; judgedId: string | undefined },
    { signal, caller }: JudgeOptions,
  ): Promise<FunctionVerdict[]> {
    const { endpoint, project, key } = this.#request.resolved;
    return this.#options.verdicts.evaluate({
      source: this.#source,
      identity: this.identity,
      endpointId: endpoint.id,
      projectId: project.id,
      ownerId: project.ownerId,
      common: joinCommon(this.#user, this.#client, this.#options.clock.now()),
      cases,
      isPartial,
      caller: caller ?? this.caller ?? [project.ownerId, project.id, `${key?.id} ${this.#request.user?.id}`],
      signal,
      onFound: (source) => this.#dependOn(source, judgedId),
    });
  }

  isCurrent(): boolean {
    const { user } = this.#request;
    return !user || this.#options.userData.isCurrent(user.endpointId, user.id, this.#userData);
  }

  redact({ data }: JudgedRecord): string {
    return data;
  }

  hiddenFields(): readonly [] {
    return [];
  }

  dependencies(): readonly JudgeDependency[] {
    return [...this.#dependencies.values()];
  }

  forgetFound(): void {
    for (const [name, { isInIdentity }] of this.#dependencies) if (!isInIdentity) this.#dependencies.delete(name);
  }

  /**
   * At the function's own endpoint, a find by filters depends on the records that it has found: new ones are judged themselves. A record that finds itself is
   * judged again with each of its changes.
   */
  #dependOn({ endpointId, recordId, recordIds, seq }: NonNullable<FoundRecords["source"]>, judgedId: string | undefined): void {
    const isOwn = endpointId === this.#request.resolved.endpoint.id;
    const found = recordId === undefined ? (isOwn ? recordIds : undefined) : [recordId];
    if (!found) this.#depend({ endpointId, isInIdentity: false, seq });
    else for (const each of found) if (!isOwn || each !== judgedId) this.#depend({ endpointId, recordId: each, isInIdentity: false, seq });
  }

  /** The first seq is kept, because a change after it may have been missed by the verdict that used it. */
  #depend(dependency: JudgeDependency): void {
    const { endpointId, recordId } = dependency;
    if (this.#dependencies.has(endpointId)) return;
    const isFull = this.#dependencies.size >= DEPENDENCIES_MAX;
    const name = recordId === undefined || isFull ? endpointId : endpointId + recordId;
    if (!this.#dependencies.has(name)) this.#dependencies.set(name, isFull ? { ...dependency, recordId: undefined } : dependency);
  }
}

/** A function sees only the last value of a duplicate key, and rules can read another one, so the body would not be what the function allowed. */
function refuseDuplicates(bodies: readonly string[]): AppError | undefined {
  for (const body of bodies) {
    const place = findDuplicateKey(body);
    if (place !== undefined)
      return new AppError("access_denied", { detail: `The body has a duplicate key at ${toPlainText(place)}. Send each key once.` });
  }
  return undefined;
}

function isAllowed(verdict: FunctionVerdict | undefined): boolean {
  return verdict?.outcome === "verdict" && verdict.allow === true;
}

/** The error for the caller. It has the reason, but not the message of an exception, which can quote data. */
function toRefusal(verdict: FunctionVerdict | undefined): AppError | undefined {
  if (!verdict) return undefined;
  if (verdict.outcome === "failed") return new AppError("access_function_failed");
  const reason = verdict.reason && toPlainText(verdict.reason);
  return reason ? new AppError("access_denied", { detail: reason }) : undefined;
}

/** Replaces control characters, line breaks and unpaired surrogates by spaces. */
function toPlainText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, " ").trim();
}

/** The judge that allows what both allow. The function is called only for records that the rules allow. */
export function combineJudges(rules: RecordJudge, called: RecordJudge): RecordJudge {
  let lastRefusal: AppError | undefined;
  return {
    identity: `${rules.identity} ${called.identity}`,
    judge: (operation, records, options) => {
      lastRefusal = undefined;
      return andThen(rules.judge(operation, records, options), (verdicts): MaybePromise<readonly boolean[]> => {
        const allowed = records.filter((_, index) => verdicts[index] === true);
        if (records.length === 1) lastRefusal = allowed.length === 0 ? rules.lastRefusal : undefined;
        if (allowed.length === 0) return records.map(() => false);
        return andThen(called.judge(operation, allowed, options), (calledVerdicts) => {
          if (records.length === 1) lastRefusal = called.lastRefusal;
          let at = 0;
          const combined: boolean[] = [];
          for (const [index] of records.entries()) {
            const isCalled = verdicts[index] === true;
            // The function has judged only the first records.
            if (isCalled && at === calledVerdicts.length) break;
            combined.push(isCalled && calledVerdicts[at++] === true);
          }
          return combined;
        });
      });
    },
    get lastRefusal() {
      return lastRefusal;
    },
    set caller(caller: CallerPath | undefined) {
      called.caller = caller;
    },
    isCurrent: () => rules.isCurrent?.() !== false && called.isCurrent?.() !== false,
    explainRefusal: (record) => rules.explainRefusal?.(record),
    redact: (record) => rules.redact(record),
    hiddenFields: (record) => rules.hiddenFields(record),
    hidesFields: rules.hidesFields,
    condition: rules.condition && { ...rules.condition, isExact: false },
    dependencies: () => [...(rules.dependencies?.() ?? []), ...(called.dependencies?.() ?? [])],
    forgetFound: () => called.forgetFound?.(),
  };
}
