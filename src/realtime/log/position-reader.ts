/** Reads the positions of logs, one query at a time, so that a thousand subscribers that arrive together share a query. Nothing is cached. */
import type { ChangeLog, FoundPosition, LogPlace } from "@/src/core/streams/ports";

export interface PositionReader {
  /** Returns the result of {@link ChangeLog.positions}, from a query that starts after this call. Throws the errors of the log. */
  read(endpointIds: readonly string[], places?: readonly LogPlace[]): Promise<Map<string, FoundPosition>>;
}

/** Queries run one after another, so a position that is read later is never older. */
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
