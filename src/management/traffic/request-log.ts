/** Reads the request log of a project, and starts and ends its recording (G32). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { RequestLogView, RequestView } from "@/src/shared/management/traffic";
import { RECORDING_MINUTES, REQUEST_OUTCOMES, REQUESTS_LIMIT_MAX } from "@/src/shared/traffic-limits";
import { requireOwnProject } from "../ownership";

const LIMIT_DEFAULT = 100;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CODE = /^[a-z_]{1,64}$/;

export interface RequestLogQuery {
  /** Only requests before this one. */
  before: number | null;
  limit: number;
  outcome: "ok" | "error" | null;
  status: number | null;
  code: string | null;
  endpointId: string | null;
  keyId: string | null;
  /** Only the request that wrote this change of `endpointId`. */
  seq: number | null;
  requestId: string | null;
}

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseRequestLogQuery(parameters: URLSearchParams): RequestLogQuery {
  const problems: Record<string, string> = {};
  const integer = (name: string, min: number, max: number): number | null => {
    const text = parameters.get(name);
    if (text === null) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) problems[name] = `Use a whole number from ${min} to ${max}.`;
    return value;
  };
  const text = (name: string, pattern: RegExp, hint: string): string | null => {
    const value = parameters.get(name);
    if (value !== null && !pattern.test(value)) problems[name] = hint;
    return value;
  };
  const sent = parameters.get("outcome");
  const outcome = REQUEST_OUTCOMES.find((name) => name === sent) ?? null;
  if (sent !== null && outcome === null) problems.outcome = `Use one of: ${REQUEST_OUTCOMES.join(", ")}.`;
  const query: RequestLogQuery = {
    before: integer("before", 1, Number.MAX_SAFE_INTEGER),
    limit: integer("limit", 1, REQUESTS_LIMIT_MAX) ?? LIMIT_DEFAULT,
    outcome,
    status: integer("status", 100, 599),
    code: text("code", CODE, "Use the code of an error, such as rate_limited."),
    endpointId: text("endpointId", UUID, "Use the id of an endpoint."),
    keyId: text("keyId", UUID, "Use the id of a key."),
    seq: integer("seq", 1, Number.MAX_SAFE_INTEGER),
    requestId: text("requestId", /^[\x21-\x7e]{1,100}$/, "Use the X-Request-Id of a response."),
  };
  if (Object.keys(problems).length > 0) throw new AppError("parameter_invalid", { fields: problems });
  return query;
}

type Row = Omit<RequestView, "at"> & { at: Date };

/** Returns the requests, newest first. Throws `not_found`. */
export async function listRequests({
  db,
  ownerId,
  projectId,
  now,
  ...query
}: RequestLogQuery & {
  db: Pick<Db, "project" | "requestRecording" | "$queryRaw">;
  ownerId: string;
  projectId: string;
  now: Date;
}): Promise<RequestLogView> {
  await requireOwnProject({ db, ownerId, projectId });
  const { before, limit, outcome, status, code, endpointId, keyId, seq, requestId } = query;
  const rows = await db.$queryRaw<Row[]>`
    SELECT r."id"::float8 AS "id", r."at", r."requestId", r."method", r."path", r."endpointId"::text AS "endpointId", e."name" AS "endpoint",
      r."keyId"::text AS "keyId", k."name" AS "key", r."status", r."code", r."detail", r."durationMs"::float8 AS "durationMs", r."bytesIn"::float8 AS "bytesIn",
      r."bytesOut"::float8 AS "bytesOut", r."origin", r."address", r."seqs"::float8[] AS "seqs"
    FROM "LoggedRequest" r
      LEFT JOIN "Endpoint" e ON e."id" = r."endpointId" AND e."projectId" = r."projectId"
      LEFT JOIN "ApiKey" k ON k."id" = r."keyId" AND k."projectId" = r."projectId"
    WHERE r."projectId" = ${projectId}::uuid
      AND (${before}::bigint IS NULL OR r."id" < ${before}::bigint)
      AND (${outcome}::text IS NULL OR (r."code" IS NULL) = (${outcome}::text = 'ok'))
      AND (${status}::int IS NULL OR r."status" = ${status}::int)
      AND (${code}::text IS NULL OR r."code" = ${code}::text)
      AND (${endpointId}::uuid IS NULL OR r."endpointId" = ${endpointId}::uuid)
      AND (${keyId}::uuid IS NULL OR r."keyId" = ${keyId}::uuid)
      AND (${requestId}::text IS NULL OR r."requestId" = ${requestId}::text)
      AND (${seq}::bigint IS NULL OR r."seqs" @> ARRAY[${seq}::bigint])
    ORDER BY r."id" DESC LIMIT ${limit + 1}::int`;
  const recording = await db.requestRecording.findUnique({ where: { projectId } });
  return {
    requests: rows.slice(0, limit).map(toView),
    more: rows.length > limit,
    recordedUntil: recording && recording.until > now ? recording.until.toISOString() : null,
  };
}

function toView({ at, durationMs, ...row }: Row): RequestView {
  return { ...row, at: at.toISOString(), durationMs: Number(durationMs.toPrecision(4)) };
}

/** Logs all requests of the project for the next minutes, on every node within a second. Throws `not_found`. */
export async function startRecording({
  db,
  ownerId,
  projectId,
  now,
}: {
  db: Pick<Db, "project" | "requestRecording">;
  ownerId: string;
  projectId: string;
  now: Date;
}): Promise<{ recordedUntil: string }> {
  await requireOwnProject({ db, ownerId, projectId });
  const until = new Date(now.getTime() + RECORDING_MINUTES * 60_000);
  await db.requestRecording.upsert({ where: { projectId }, create: { projectId, until }, update: { until } });
  return { recordedUntil: until.toISOString() };
}

/** Throws `not_found`. */
export async function stopRecording({
  db,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project" | "requestRecording">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  await requireOwnProject({ db, ownerId, projectId });
  await db.requestRecording.deleteMany({ where: { projectId } });
}
