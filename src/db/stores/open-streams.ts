/** Publishes each server's open streams to all servers, and the requests to end them to the server that has them open. */
import type { OpenStreamStore } from "@/src/core/streams/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";
import { SERVER_SEEN_SECONDS } from "@/src/shared/streams/protocol";

/** A server without a heartbeat for this long is removed with its streams. */
const REMOVE_AFTER_SECONDS = 4 * SERVER_SEEN_SECONDS;

/** `isNew`: the server's row did not exist, and neither did its streams. */
const HEARTBEAT = nameStatement(
  "rested_heartbeat",
  `INSERT INTO "ServerNode" (id, "seenAt") VALUES ($1::uuid, clock_timestamp())
  ON CONFLICT (id) DO UPDATE SET "seenAt" = EXCLUDED."seenAt" RETURNING xmax = 0 AS "isNew"`,
);

const ADD = nameStatement(
  "rested_add_streams",
  `INSERT INTO "OpenStream" (id, "nodeId", "endpointId", "keyId", "userId", "onlyOwner", filter, transport, origin, "isResumable", "openedAt", "openedSeq",
    "replayedTo", "queueBytes", "isJudged")
  SELECT s.id, $1::uuid, s.endpoint, s.key, s.usr, s.owner, s.filter, s.transport, s.origin, s.resumable, s.opened, s.seq, s.replayed, s.queue, s.judged
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::boolean[], $11::timestamptz[],
    $12::bigint[], $13::bigint[], $14::int[], $15::boolean[])
    AS s(id, endpoint, key, usr, owner, filter, transport, origin, resumable, opened, seq, replayed, queue, judged)
  ON CONFLICT (id) DO NOTHING`,
);

const MOVE = nameStatement(
  "rested_move_streams",
  `UPDATE "OpenStream" o SET "replayedTo" = s.replayed, "queueBytes" = s.queue
  FROM unnest($1::uuid[], $2::bigint[], $3::int[]) AS s(id, replayed, queue) WHERE o.id = s.id`,
);

const REMOVE = nameStatement("rested_remove_streams", `DELETE FROM "OpenStream" WHERE id = ANY ($1::uuid[])`);

const FIND_END_REQUESTED = nameStatement(
  "rested_find_end_requested_streams",
  `SELECT id::text AS id FROM "OpenStream" WHERE "nodeId" = $1::uuid AND "endRequestedAt" IS NOT NULL`,
);

const SWEEP = nameStatement(
  "rested_sweep_nodes",
  `DELETE FROM "ServerNode" WHERE "seenAt" < clock_timestamp() - make_interval(secs => $1::int)`,
);

const REMOVE_NODE = nameStatement("rested_remove_node", `DELETE FROM "ServerNode" WHERE id = $1::uuid`);

export function createOpenStreamStore({ db }: { db: RawStatements }): OpenStreamStore {
  return {
    async heartbeat(nodeId) {
      await db.$executeRawUnsafe(SWEEP, REMOVE_AFTER_SECONDS);
      const [row] = await db.$queryRawUnsafe<{ isNew: boolean }[]>(HEARTBEAT, nodeId);
      return { isNew: row?.isNew ?? true };
    },
    async write(nodeId, { added, moved, removed }) {
      if (removed.length > 0) await db.$executeRawUnsafe(REMOVE, removed);
      if (added.length > 0) {
        const column = <Value>(pick: (stream: (typeof added)[number]) => Value) => added.map(pick);
        await db.$executeRawUnsafe(
          ADD,
          nodeId,
          ...[column((stream) => stream.id), column((stream) => stream.endpointId), column((stream) => stream.keyId)],
          ...[column((stream) => stream.userId), column((stream) => stream.onlyOwner), column((stream) => stream.filter)],
          ...[column((stream) => stream.transport), column((stream) => stream.origin), column((stream) => stream.resumable)],
          ...[column((stream) => stream.openedAt.toISOString()), column((stream) => String(stream.openedSeq))],
          column((stream) => toText(stream.replayedTo)),
          ...[column((stream) => stream.queueBytes), column((stream) => stream.isJudged)],
        );
      }
      if (moved.length > 0) {
        const replayedTo = moved.map((stream) => toText(stream.replayedTo));
        await db.$executeRawUnsafe(
          MOVE,
          moved.map(({ id }) => id),
          replayedTo,
          moved.map(({ queueBytes }) => queueBytes),
        );
      }
    },
    async findEndRequested(nodeId) {
      const rows = await db.$queryRawUnsafe<{ id: string }[]>(FIND_END_REQUESTED, nodeId);
      return rows.map(({ id }) => id);
    },
    async remove(nodeId) {
      await db.$executeRawUnsafe(REMOVE_NODE, nodeId);
    },
  };
}

function toText(seq: number | null): string | null {
  return seq === null ? null : String(seq);
}
