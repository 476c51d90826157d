/** Notes every answered request of the data plane and the streams: in the counters, and in the request log if it is wanted there. */
import { toClientAddress } from "@/src/core/access/client-network";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { AppError } from "@/src/shared/errors";
import type { RequestLog } from "./request-log";
import { shortenAddress, toPlainText, toShownPath } from "./shown-request";
import type { TrafficCounters, TrafficEntry } from "./traffic-counters";

/** A request, as far as it is counted and logged. */
export interface CountedRequest {
  readonly requestId: string;
  /** When its head arrived, by `performance.now()`. */
  readonly startedAt: number;
  readonly request: {
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
    readonly socket: { remoteAddress?: string | undefined };
  };
  /** Requests whose endpoint or key is unknown belong to no project, and are not counted. */
  readonly resolved: ResolvedEndpoint | undefined;
  /** Why it was refused or failed. */
  readonly problem: AppError | undefined;
  /** The records that it wrote. */
  readonly written: Written;
}

/** One record or several, with the seqs of their changes where they are known. */
export type Written = WrittenRecord | readonly WrittenRecord[] | undefined;
type WrittenRecord = { readonly seq?: number | undefined };

export interface Traffic {
  /** Call it when the head of the response is sent. `bytesOut`: of the body, as far as it is known then. */
  note(request: CountedRequest, status: number, bytesOut: number): void;
  /** Adds bytes of a body whose length was not known when its head was sent. */
  noteBytes(resolved: ResolvedEndpoint | undefined, bytes: number): void;
  /** The entry in which a stream is counted while it is open. It may be kept between `openStream` and `closeStream`, and not otherwise. */
  entryOf(stream: { projectId: string; endpoint: { id: string }; keyId: string | null }): TrafficEntry;
}

const SEQS_MAX = 100;
/** No request may have a longer body. */
const BYTES_IN_MAX = 1024 ** 3;
const DETAIL_LENGTH_MAX = 500;
const ORIGIN_LENGTH_MAX = 300;

export function createTraffic({
  counters,
  log,
  clock,
}: {
  counters: Pick<TrafficCounters, "entryOf">;
  log: Pick<RequestLog, "wants" | "add">;
  clock: Clock;
}): Traffic {
  const find = ({ project, endpoint, key }: ResolvedEndpoint) => counters.entryOf(project.id, endpoint.id, key === null ? null : key.id);

  return {
    note(counted, status, bytesOut) {
      const { resolved, request, problem, written } = counted;
      if (!resolved) return;
      const durationMs = performance.now() - counted.startedAt;
      const bytesIn = problem?.code === "body_too_large" ? 0 : toBytesIn(request.headers["content-length"]);
      const entry = find(resolved);
      entry.countRequest(durationMs, bytesIn, bytesOut, countWritten(written), problem?.code);
      const { origin } = request.headers;
      entry.origin = typeof origin === "string" ? origin : undefined;
      entry.address = toClientAddress(request);
      if (!log.wants(resolved.project.id, problem !== undefined)) return;
      log.add({
        at: clock.now().getTime(),
        projectId: resolved.project.id,
        endpointId: resolved.endpoint.id,
        keyId: entry.keyId ?? resolved.key?.id ?? null,
        requestId: counted.requestId,
        method: request.method ?? "GET",
        path: toShownPath(request.url ?? ""),
        status,
        code: problem?.code ?? null,
        detail: problem ? toPlainText(problem.message, DETAIL_LENGTH_MAX) : null,
        durationMs,
        bytesIn,
        bytesOut,
        origin: entry.origin === undefined ? null : toPlainText(entry.origin, ORIGIN_LENGTH_MAX),
        address: shortenAddress(entry.address),
        seqs: toSeqs(written),
      });
    },
    noteBytes(resolved, bytes) {
      if (resolved) find(resolved).bytesOut += bytes;
    },
    entryOf: ({ projectId, endpoint, keyId }) => counters.entryOf(projectId, endpoint.id, keyId),
  };
}

/** The announced length of a body. Zero for lengths that no body can have: it was not read, and such numbers do not fit into the database. */
function toBytesIn(length: string | readonly string[] | undefined): number {
  const bytes = typeof length === "string" ? Number(length) : 0;
  return bytes <= BYTES_IN_MAX ? bytes : 0;
}

function isList(written: Written): written is readonly WrittenRecord[] {
  return Array.isArray(written);
}

function countWritten(written: Written): number {
  if (written === undefined) return 0;
  return isList(written) ? written.length : 1;
}

function toSeqs(written: Written): number[] {
  if (written === undefined) return [];
  const records = isList(written) ? written : [written];
  return records.slice(0, SEQS_MAX).flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
}
