/** Reads of endpoints with access rules (S7): every record is judged before it is returned, and its hidden fields are removed. */
import type { JudgedRecord, RecordJudge } from "@/src/core/access/record-judge";
import { createExamineSize } from "@/src/core/records/examine-size";
import type { ExaminedRecords, FoundRecord, ListedRecord, ListRange, ReadScope, RecordStore, StoredRecord } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { AppError } from "@/src/shared/errors";

/** The maximum number of records of one read that are judged together. */
const ROWS_MAX = 1_000;
/** A page that has examined so many records, or has searched for so long, ends early. */
const PAGE_EXAMINED_MAX = 50_000;
const PAGE_SEARCH_MS_MAX = 5_000;
/** The most bytes of a page that are kept in memory. The rest is read again when it is sent. */
const PAGE_BYTES_MAX = 1 << 20;

/** A list or page as a caller requests it. */
export interface JudgedRange extends Omit<ListRange, "upto"> {
  endpointId: string;
  judge: RecordJudge;
  dataOnly: boolean;
  /** Aborts when the client has disconnected. */
  signal?: AbortSignal | undefined;
}

type Reads = Pick<RecordStore, "readOne" | "examine" | "examineByIds">;

export interface JudgedReads {
  /** One record without hidden fields, or undefined if there is none. Throws `access_denied`. */
  readOne(request: { endpointId: string; id: string; onlyOwner: string | undefined; judge: RecordJudge }): Promise<FoundRecord | undefined>;
  /** Those of the named records that exist and that the caller may read, as pieces of JSON text, in creation order. */
  readByIds(
    request: ReadScope & { endpointId: string; ids: readonly string[]; judge: RecordJudge; dataOnly: boolean },
  ): AsyncIterable<string>;
  /** The records of a range that the caller may read, as pieces of JSON text. */
  readAll(range: JudgedRange): AsyncIterable<string>;
  /**
   * The first `limit` records of a range that the caller may read, and the seq after which the next page begins. The page ends early if it has searched
   * for too long.
   */
  readPage(range: JudgedRange & { limit: number }): Promise<{ items: string | AsyncIterable<string>; nextAfter: number | undefined }>;
}

export function createJudgedReads(store: Reads, { now = () => performance.now() }: { now?: () => number } = {}): JudgedReads {
  return {
    async readOne({ endpointId, id, onlyOwner, judge }) {
      const found = await store.readOne(endpointId, id);
      if (!found) return undefined;
      if (onlyOwner !== undefined && found.owner !== onlyOwner) throw new AppError("access_denied");
      const record = toJudged(found);
      await requireAllowed(judge, "read", record);
      return judge.hidesFields ? { ...found, data: judge.redact(record) } : found;
    },
    async *readByIds({ endpointId, ids, owner, judge, dataOnly }) {
      for await (const rows of store.examineByIds(endpointId, ids)) {
        const inScope = owner === undefined ? rows : rows.filter((row) => row.owner === owner);
        const allowed = await admit(judge, inScope, { isCertain: false });
        if (allowed.length > 0) yield allowed.map((row) => toText(row, dataOnly)).join(",");
      }
    },
    async *readAll({ dataOnly, ...range }) {
      for await (const { allowed } of scan(store, range, { rows: ROWS_MAX, isWhole: true, now }))
        if (allowed.length > 0) yield allowed.map((row) => toText(row, dataOnly)).join(",");
    },
    async readPage({ limit, dataOnly, ...range }) {
      const page = new Page(limit, dataOnly);
      const endsAt = now() + PAGE_SEARCH_MS_MAX;
      let examined = 0;
      // One more than the page has, to find out whether more follow.
      for await (const step of scan(store, range, { rows: Math.min(limit + 1, ROWS_MAX), isWhole: false, now })) {
        const { allowed, next } = step;
        if (!page.add(allowed)) return page.end(page.lastSeq, (kept) => readRest(store, range, page, kept));
        examined += step.examined;
        if (next === undefined) break;
        if (examined >= PAGE_EXAMINED_MAX || now() >= endsAt) return page.end(next, (kept) => readRest(store, range, page, kept));
      }
      return page.end(undefined, (kept) => readRest(store, range, page, kept));
    },
  };
}

/** A record that the caller may read, without its hidden fields. */
type Allowed = Pick<ListedRecord, "seq" | "id" | "data" | "createdAt" | "updatedAt">;

/** Collects the records of a page: the texts of the first ones, and the seqs of those that are too many bytes. */
class Page {
  readonly #limit: number;
  readonly #dataOnly: boolean;
  readonly #texts: string[] = [];
  #bytes = 0;
  #keptSeq: number | undefined;
  readonly laterSeqs = new Set<number>();
  lastSeq: number | undefined;

  constructor(limit: number, dataOnly: boolean) {
    this.#limit = limit;
    this.#dataOnly = dataOnly;
  }

  get dataOnly(): boolean {
    return this.#dataOnly;
  }

  /** Returns false if there are more records than the page has room for. */
  add(rows: readonly Allowed[]): boolean {
    for (const row of rows) {
      if (this.#texts.length + this.laterSeqs.size >= this.#limit) return false;
      this.lastSeq = row.seq;
      if (this.laterSeqs.size > 0 || this.#bytes >= PAGE_BYTES_MAX) this.laterSeqs.add(row.seq);
      else {
        const text = toText(row, this.#dataOnly);
        this.#texts.push(text);
        this.#bytes += text.length;
        this.#keptSeq = row.seq;
      }
    }
    return true;
  }

  /** `readRest`: reads the records after the seq. */
  end(
    nextAfter: number | undefined,
    readRest: (after: number) => AsyncIterable<string>,
  ): { items: string | AsyncIterable<string>; nextAfter: number | undefined } {
    const kept = this.#texts.join(",");
    if (this.laterSeqs.size === 0 || this.#keptSeq === undefined) return { items: kept, nextAfter };
    return { items: continueWith(kept, readRest(this.#keptSeq)), nextAfter };
  }
}

async function* continueWith(start: string, rest: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield start;
  yield* rest;
}

/** Reads and judges the rest of a page again. Records that are allowed only now are not on the page, so that it has at most its limit. */
async function* readRest(
  store: Reads,
  range: Omit<JudgedRange, "dataOnly">,
  { laterSeqs, lastSeq, dataOnly }: Page,
  after: number,
): AsyncGenerator<string, void> {
  for await (const { allowed } of scan(
    store,
    { ...range, after, upto: lastSeq },
    { rows: ROWS_MAX, isWhole: false, now: () => performance.now() },
  )) {
    const rows = allowed.filter(({ seq }) => laterSeqs.has(seq));
    if (rows.length > 0) yield rows.map((row) => toText(row, dataOnly)).join(",");
  }
}

interface Scanned {
  allowed: Allowed[];
  /** The seq after which the scan goes on. Undefined: it has ended. */
  next: number | undefined;
  /** About how many records the statement has examined. */
  examined: number;
}

/** Reads and judges a range in bounded steps. `isWhole`: the range ends where the list ends when it is read first. */
async function* scan(
  store: Reads,
  { endpointId, judge, signal, upto, ...range }: Omit<JudgedRange, "dataOnly"> & { upto?: number | undefined },
  { rows, isWhole, now }: { rows: number; isWhole: boolean; now: () => number },
): AsyncGenerator<Scanned, void> {
  const { condition } = judge;
  // A record that belongs to one user does not belong to another.
  const isOthers = range.owner !== undefined && condition?.owner !== undefined && range.owner !== condition.owner;
  if (condition?.text === "false" || isOthers) return;
  const size = createExamineSize();
  let [after, end, limit] = [range.after, upto, rows];
  for (let isFirst = upto === undefined; ; isFirst = false) {
    if (signal?.aborted) return;
    const startedAt = now();
    const examine = Math.max(size.count, limit);
    const found: ExaminedRecords = await store.examine(endpointId, {
      order: range.order,
      after,
      upto: end,
      owner: range.owner ?? condition?.owner,
      condition,
      limit,
      examine,
      isFirst,
    });
    const allowed = await admit(judge, found.records, { isCertain: condition?.isExact === true, signal });
    // If the limit ended the statement, it examined at least as many records as it returned.
    const examined = found.records.length === limit ? limit : examine;
    yield { allowed, next: found.next, examined };
    if (found.next === undefined) return;
    after = found.next;
    if (isWhole) end ??= found.upto;
    limit = Math.min(ROWS_MAX, 2 * limit);
    size.note(now() - startedAt);
  }
}

/** Those of the records that the caller may read, without their hidden fields. `isCertain`: the statement has judged them. */
async function admit(
  judge: RecordJudge,
  rows: readonly ListedRecord[],
  { isCertain, signal }: { isCertain: boolean; signal?: AbortSignal | undefined },
): Promise<Allowed[]> {
  if (rows.length === 0 || (isCertain && !judge.hidesFields)) return [...rows];
  const records = rows.map(toJudged);
  const verdicts = isCertain ? undefined : await judge.judge("read", records, { signal });
  const allowed: Allowed[] = [];
  for (const [index, row] of rows.entries()) {
    const record = records[index];
    if (!record || (verdicts && verdicts[index] !== true)) continue;
    allowed.push(judge.hidesFields ? { ...row, data: judge.redact(record) } : row);
  }
  return allowed;
}

export function toJudged({ id, owner, data }: Pick<StoredRecord, "id" | "data"> & { owner: string | null }): JudgedRecord {
  return { uniqueId: id, owner, data };
}

/** Throws `access_denied` or `access_function_failed` unless the judge allows the operation, and what the judge throws. */
export async function requireAllowed(
  judge: RecordJudge,
  operation: "read" | "update" | "delete",
  record: JudgedRecord,
  input?: string,
): Promise<void> {
  const verdicts = await judge.judge(operation, [record], { input });
  if (verdicts[0] !== true) throw judge.lastRefusal ?? createDenied(operation);
}

const DENIED = {
  read: "The endpoint's access rules do not allow you to read this record.",
  create: "The endpoint's access rules do not allow you to create this record.",
  update: "The endpoint's access rules do not allow you to change this record.",
  delete: "The endpoint's access rules do not allow you to delete this record.",
};

export function createDenied(operation: keyof typeof DENIED): AppError {
  return new AppError("access_denied", { detail: DENIED[operation] });
}

function toText(row: Allowed, dataOnly: boolean): string {
  return toRecordText(row, { dataOnly });
}
