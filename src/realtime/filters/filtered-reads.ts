/** Reads the log and snapshots through a judge and a filter (W13, W29), for streams that are not live. */
import { createExamineSize } from "@/src/core/records/examine-size";
import type { Change } from "@/src/core/records/ports";
import type { HiddenChange, SnapshotReader } from "@/src/core/streams/ports";
import type { AppError } from "@/src/shared/errors";
import { shareReads } from "../log/shared-reads";
import { isBusy } from "./judged-changes";
import type { StreamView } from "./stream-view";

/** The reads of one session. Changes that are left out of the log keep their places. */
export interface StreamReads {
  /** Returns up to `limit` changes with seq > `after`, ascending. A filtered read also has the rest of the last upload. */
  readLog(endpointId: string, after: number, limit: number): Promise<readonly (Change | HiddenChange)[]>;
  readonly snapshots: SnapshotReader;
}

/** A filter failed on the next change of a stream, so the stream cannot continue. */
export class FilterFailedError extends Error {
  constructor(readonly reason: AppError) {
    super(reason.message);
  }
}

/**
 * Returns reads through a view, for all streams with this view. A page that several of them need at the same time is evaluated once. The reads throw
 * FilterFailedError, retryable errors of the sandbox, and the signal's reason.
 */
export function createFilteredReads(reads: StreamReads, view: StreamView, signal: AbortSignal): StreamReads {
  const readShared = shareReads(async (endpointId, after, limit) => {
    const page = await readWholeUploads(reads, endpointId, after, limit);
    const { kept, failed } = await view.show(page, signal);
    if (failed && kept.length === 0) throw toStreamError(failed.error);
    return kept;
  });
  // The statement narrows what is read, and the view still judges all of it.
  const { condition } = view;
  const examined = condition && condition.text !== "true" ? { condition: { ...condition, size: createExamineSize() } } : {};
  return {
    readLog: (...page) => readShared(undefined, ...page),
    snapshots: {
      readPage: async (endpointId, range) => {
        // If no record can fulfil the condition, an empty range tells where the log is.
        const after = condition?.text === "false" ? range.upto : range.after;
        const page = await reads.snapshots.readPage(endpointId, { ...range, ...examined, after, withOwners: view.needsOwners });
        if (page === undefined || page.items === "") return page;
        const shown = await view.showItems(page, signal);
        if ("failed" in shown) throw toStreamError(shown.failed);
        return { ...page, items: shown.items };
      },
    },
  };
}

function toStreamError(error: AppError): Error {
  return isBusy(error) ? error : new FilterFailedError(error);
}

/** Reads a page without a hole. It does not end in the middle of an upload, unless the rest of the upload has expired. */
export async function readWholeUploads(
  reads: Pick<StreamReads, "readLog">,
  endpointId: string,
  after: number,
  limit: number,
): Promise<readonly (Change | HiddenChange)[]> {
  const page = await reads.readLog(endpointId, after, limit);
  const last = page.at(-1);
  if (last === undefined || "hidden" in last || last.remainingInUpload === undefined) return page;
  const rest = await reads.readLog(endpointId, last.seq, last.remainingInUpload);
  // If files have expired meanwhile, the query returns later changes. The next page shows that gap at its beginning.
  return rest[0]?.seq === last.seq + 1 ? [...page, ...rest] : page;
}
