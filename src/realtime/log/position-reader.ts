/** Reads where logs stand, one query at a time, so that a thousand subscribers who arrive together cost one. It must not cache. */
import type { ChangeLog, FoundPosition, LogPlace } from "@/src/core/streams/ports";

export interface PositionReader {
  /** What {@link ChangeLog.positions} returns, by a query that starts after this call. Throws what the log throws. */
  read(endpointIds: readonly string[], places?: readonly LogPlace[]): Promise<Map<string, FoundPosition>>;
}

/** Queries run one after another: answers never overtake each other, hence a position that is read later is never an older one. */
export function createPositionReader({ changes }: { changes: Pick<ChangeLog, "positions"> }): PositionReader {
  let previous: Promise<unknown> = Promise.resolve();
  let waiting: { endpointIds: Set<string>; places: Map<string, LogPlace>; positions: Promise<Map<string, FoundPosition>> } | undefined;

  return {
    read: (endpointIds, places = []) => {
      if (waiting === undefined) {
        const ids = new Set<string>();
        const asked = new Map<string, LogPlace>();
        const query = () => {
          waiting = undefined;
          return changes.positions([...ids], [...asked.values()]);
        };
        const positions = previous.then(query, query);
        previous = positions;
        waiting = { endpointIds: ids, places: asked, positions };
      }
      for (const id of endpointIds) waiting.endpointIds.add(id);
      for (const place of places) waiting.places.set(`${place.endpointId} ${place.seq}`, place);
      return waiting.positions;
    },
  };
}
