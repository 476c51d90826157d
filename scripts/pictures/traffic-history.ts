/** Counts of requests of the last hour and month, so that the charts have something to show. Written again, they replace what was counted meanwhile. */
import type pg from "pg";
import { LATENCY_BUCKETS, toLatencyBucket } from "@/src/core/traffic/latencies";
import { NO_ID } from "@/src/db/traffic/traffic-store";

interface History {
  project: string;
  endpoints: readonly string[];
  keyId: string;
  /** Multiplies all counts. */
  scale?: number;
}

/** The newest minutes are in the future, so that the charts go on evenly while the pictures are taken. */
const SPANS = [
  { seconds: 60, newest: -30, count: 90 },
  { seconds: 3_600, newest: 1, count: 24 * 30 },
];

export async function writeTrafficHistory(database: pg.Client, { project, endpoints, keyId, scale = 1 }: History): Promise<void> {
  const ids = endpoints.length > 0 ? endpoints : [NO_ID];
  for (const { seconds, newest, count } of SPANS) {
    for (const [place, endpointId] of ids.entries()) {
      const rows = Array.from({ length: count }, (_, index) => toRow(newest + index, seconds, scale / (place + 1) ** 1.5));
      await database.query(
        `INSERT INTO "TrafficCount" ("projectId", "span", "at", "endpointId", "keyId", "requests", "errors", "writes", "deliveries", "bytesIn",
           "bytesOut", "streams", "latencies")
         SELECT $1::uuid, $2::int, to_timestamp(floor(extract(epoch FROM now()) / $2::int) * $2::int - r.ago * $2::int), $3::uuid, $4::uuid, r.requests,
           r.errors, r.writes, r.deliveries, r.requests * 180, r.requests * 2400, r.streams, ARRAY(SELECT jsonb_array_elements_text(r.latencies)::int)
         FROM jsonb_to_recordset($5::jsonb)
           AS r(ago int, requests int, errors int, writes int, deliveries bigint, streams int, latencies jsonb)
         ON CONFLICT ("projectId", "span", "at", "endpointId", "keyId") DO UPDATE SET "requests" = EXCLUDED."requests", "errors" = EXCLUDED."errors",
           "writes" = EXCLUDED."writes", "deliveries" = EXCLUDED."deliveries", "streams" = EXCLUDED."streams", "latencies" = EXCLUDED."latencies"`,
        [project, seconds, endpointId, keyId, JSON.stringify(rows)],
      );
    }
  }
}

/** One minute or hour. The curve is that of a working day, with a little noise that is the same each time. */
function toRow(ago: number, seconds: number, scale: number): Record<string, unknown> {
  const noise = ((Math.sin(ago * 12.9898) * 43_758.5453) % 1) * 0.25;
  const wave = seconds === 60 ? 1 + 0.35 * Math.sin(ago / 9) : 1.1 + 0.8 * Math.sin((ago / 24) * Math.PI * 2);
  const requests = Math.max(1, Math.round(240 * scale * (wave + noise) * (seconds / 60)));
  const latencies = new Array<number>(LATENCY_BUCKETS).fill(0);
  for (const [ms, part] of [
    [1.2, 0.5],
    [2.4, 0.33],
    [5, 0.14],
    [14, 0.03],
  ] as const)
    latencies[toLatencyBucket(ms)] = Math.round(requests * part);
  const errors = ago % 11 === 0 ? Math.ceil(requests * 0.01) : 0;
  const writes = Math.round(requests * 0.6);
  return { ago, requests, errors, writes, deliveries: writes * 7, streams: Math.max(1, Math.round(14 * scale + 4 * wave)), latencies };
}
