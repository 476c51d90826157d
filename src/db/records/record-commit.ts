/** The record commit: applies writes to one endpoint with one statement. Its callers open transactions, retry and publish. */
import type pg from "pg";
import type { Change, Write, WriteResult } from "@/src/core/records/ports";
import { encodeBooleans, encodeInts, encodeTexts, encodeUuids } from "@/src/db/binary-arrays";
import { findStatementName, nameStatement } from "@/src/db/statement";

/** Fewer writes than this are applied one by one. For two the statement for different records costs as much, and for one it costs more. */
const DISTINCT_WRITES_MIN = 3;

const COMMIT_POSTS = nameStatement(
  "rested_commit_posts",
  `SELECT first_seq::text AS "firstSeq", (extract(epoch FROM at) * 1000)::bigint::text AS at
  FROM record_commit_posts($1::uuid, $2::uuid[], $3::text[], $4::json[], $5::uuid[], $6::int[])`,
);

const RESULT = `outcome, seq::text AS seq, version, data, (extract(epoch FROM created_at) * 1000)::bigint::text AS "createdAt",
    (extract(epoch FROM updated_at) * 1000)::bigint::text AS "updatedAt", (extract(epoch FROM at) * 1000)::bigint::text AS at,
    wire_id(owner) AS owner`;

const COMMIT_DISTINCT = nameStatement(
  "rested_commit_distinct",
  `SELECT ${RESULT} FROM record_commit_distinct($1::uuid, $2::text[], $3::uuid[], $4::text[], $5::json[], $6::boolean[], $7::int[], $8::uuid[], $9::int[])
  ORDER BY ord`,
);

const COMMIT = nameStatement(
  "rested_record_commit",
  `SELECT ${RESULT} FROM record_commit($1::uuid, $2::text[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::int[], $8::uuid[], $9::int[])
  ORDER BY ord`,
);

/** The expected version of a chained write (see prisma/sql/record_commit.sql). */
const CHAINED = -1;

const STATEMENTS: ReadonlySet<unknown> = new Set([COMMIT_POSTS, COMMIT_DISTINCT, COMMIT]);

/** A client, or the client of a transaction, that can run the record commit. */
export interface CommitClient {
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
}

/**
 * A client that sends the statement to the pool, outside of any transaction. Prisma's raw query costs several times as much: it encodes the values as
 * JSON and its result as objects of typed values.
 */
export function createCommitClient(pool: Pick<pg.Pool, "query">): CommitClient {
  return {
    // The caller declares the type of the rows, as with Prisma.
    $queryRawUnsafe: async <T>(text: string, ...values: unknown[]) => {
      const name = findStatementName(text);
      return (await pool.query({ text, values, ...(name === undefined ? {} : { name }) })).rows as T;
    },
  };
}

/** True for a client that can run the record commit. */
export function isCommitClient(value: unknown): value is CommitClient {
  return typeof value === "object" && value !== null && "$queryRawUnsafe" in value && typeof value.$queryRawUnsafe === "function";
}

/** The seq of the first new record, and the time of all. Null: there is no endpoint. The time is in milliseconds since 1970. */
interface PostsRow {
  firstSeq: string | null;
  at: string | null;
}

type CommitRow =
  | { outcome: Exclude<WriteResult["outcome"], "ok"> }
  | {
      outcome: "ok";
      seq: string;
      version: number;
      data: string | null;
      createdAt: string;
      updatedAt: string;
      at: string;
      owner: string | null;
    };

type Post = Write & { type: "POST" };

/** True for the arguments of a record commit's statement. Its caller publishes more precise notifications. */
export function isCommitStatement(args: unknown): boolean {
  return Array.isArray(args) && STATEMENTS.has(args[0]);
}

/** Applies the writes in order, in one statement, and returns the result of each, in the same order. */
export async function commitWrites(client: CommitClient, endpointId: string, writes: readonly Write[]): Promise<WriteResult[]> {
  if (writes.length === 0) return [];
  return arePosts(writes) ? commitPosts(client, endpointId, writes) : commitMixed(client, endpointId, writes);
}

function arePosts(writes: readonly Write[]): writes is readonly Post[] {
  return writes.every(({ type }) => type === "POST");
}

/** Everything but the first seq and the time is known here, so the result is one short row. */
async function commitPosts(client: CommitClient, endpointId: string, writes: readonly Post[]): Promise<WriteResult[]> {
  const [row] = await client.$queryRawUnsafe<PostsRow[]>(
    COMMIT_POSTS,
    endpointId,
    encodeUuids(writes.map(({ id }) => id)),
    encodeTexts(
      "text",
      writes.map(({ contentType }) => contentType),
    ),
    encodeTexts(
      "json",
      writes.map(({ data }) => data),
    ),
    writes.some(({ owner }) => owner !== undefined) ? encodeUuids(writes.map(({ owner }) => owner)) : null,
    writes.some(({ remainingInUpload }) => remainingInUpload !== undefined)
      ? encodeInts(writes.map(({ remainingInUpload }) => remainingInUpload))
      : null,
  );
  if (!row) throw new Error(`record_commit_posts returned no row for endpoint ${endpointId}`);
  if (row.firstSeq === null) return writes.map(() => ({ outcome: "endpoint_not_found" }));
  const firstSeq = Number(row.firstSeq);
  const at = toTime(row.at);
  return writes.map((write, index) => {
    const seq = firstSeq + index;
    const record = { id: write.id, version: 1, data: write.data, createdAt: at, updatedAt: at, seq };
    const change: Change = { endpointId, seq, type: "POST", record, owner: write.owner ?? null, at };
    if (write.remainingInUpload !== undefined) change.remainingInUpload = write.remainingInUpload;
    return { outcome: "ok", change };
  });
}

async function commitMixed(client: CommitClient, endpointId: string, writes: readonly Write[]): Promise<WriteResult[]> {
  const ids = writes.map(({ id }) => id);
  const isDistinct = writes.length >= DISTINCT_WRITES_MIN && new Set(ids).size === ids.length;
  const rows = await client.$queryRawUnsafe<CommitRow[]>(
    isDistinct ? COMMIT_DISTINCT : COMMIT,
    endpointId,
    encodeTexts(
      "text",
      writes.map(({ type }) => type),
    ),
    encodeUuids(ids),
    encodeTexts(
      "text",
      writes.map((write) => (write.type === "DELETE" ? null : write.contentType)),
    ),
    encodeTexts(
      isDistinct ? "json" : "text",
      writes.map((write) => (write.type === "DELETE" ? null : write.data)),
    ),
    encodeBooleans(writes.map((write) => write.type === "PUT" && write.sameType === true)),
    encodeInts(writes.map(toExpectedVersion)),
    encodeUuids(writes.map((write) => (write.type === "POST" ? write.owner : write.onlyOwner))),
    encodeInts(writes.map((write) => (write.type === "POST" ? write.remainingInUpload : null))),
  );
  return writes.map((write, index) => toResult(endpointId, write, rows[index]));
}

function toExpectedVersion(write: Write): number | null {
  if (write.type === "POST") return null;
  return write.type === "PUT" && write.isChained ? CHAINED : (write.expectedVersion ?? null);
}

function toResult(endpointId: string, write: Write, row: CommitRow | undefined): WriteResult {
  if (!row) throw new Error(`record_commit returned no row for a ${write.type} to endpoint ${endpointId}`);
  if (row.outcome !== "ok") return { outcome: row.outcome };
  const data = write.type === "DELETE" ? row.data : write.data;
  if (data === null) throw new Error(`record_commit returned no data for a ${write.type} to endpoint ${endpointId}`);
  const { version, owner } = row;
  const seq = Number(row.seq);
  const record = { id: write.id, version, data, createdAt: toTime(row.createdAt), updatedAt: toTime(row.updatedAt), seq };
  const upload = write.type === "POST" && write.remainingInUpload !== undefined ? { remainingInUpload: write.remainingInUpload } : {};
  return { outcome: "ok", change: { endpointId, seq, type: write.type, record, owner, at: toTime(row.at), ...upload } };
}

/** Formats a time here, because wire_time in SQL costs more for each row. */
function toTime(ms: string | null): string {
  return new Date(Number(ms)).toISOString();
}
