/** What snapshots (W11) need of storage. Interfaces and plain types only; the adapter is db/snapshot-reader.ts. */
import type { LogPosition, ReadScope } from "@/src/core/ports";

/** Records as they are at one moment, in creation order. */
export interface SnapshotPage {
  /** Their JSON, joined by commas; empty: there are none. */
  items: string;
  /** Those of them that were changed after `upto`, and the version that they have here. */
  changed: readonly { id: string; version: number }[];
  /** Where the log stood at that moment. */
  at: LogPosition;
  /** After which seq the next page begins; undefined: this is the last one. */
  nextAfter: number | undefined;
}

export interface SnapshotReader {
  /**
   * The next of the records that were created after the seq `after` and up to `upto`, and that the scope sees, each as it is now; as many as make
   * about 64 KiB. Undefined: the endpoint is gone. Raises `database_unavailable`.
   */
  readPage(endpointId: string, range: ReadScope & { after: number; upto: number }): Promise<SnapshotPage | undefined>;
}
