/** Reads where logs stand, one query at a time, so that a thousand subscribers who arrive together cost one. It must not cache. */
import type { ChangeLog, LogPosition } from "@/src/core/ports";

export interface PositionReader {
  /** The positions of those of the endpoints that exist, by a query that starts after this call. Raises what the log raises. */
  read(endpointIds: readonly string[]): Promise<Map<string, LogPosition>>;
}

/** Queries run one after another: answers never overtake each other, hence a position that is read later is never an older one. */
export function createPositionReader({ changes }: { changes: Pick<ChangeLog, "positions"> }): PositionReader {
  let previous: Promise<unknown> = Promise.resolve();
  let waiting: { endpointIds: Set<string>; positions: Promise<Map<string, LogPosition>> } | undefined;

  return {
    read: (endpointIds) => {
      if (waiting === undefined) {
        const ids = new Set<string>();
        const query = () => {
          waiting = undefined;
          return changes.positions([...ids]);
        };
        const positions = previous.then(query, query);
        previous = positions;
        waiting = { endpointIds: ids, positions };
      }
      for (const id of endpointIds) waiting.endpointIds.add(id);
      return waiting.positions;
    },
  };
}
