/** Carries a request out once (R9): its records and what it answers are committed together, or not at all. It must not know HTTP. */
import type { RecordStore } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import { retryContention } from "@/src/db/errors";
import { findRemembered, remember } from "@/src/db/idempotent-requests";
import type { Read } from "@/src/db/read";

/** Another request has the key: the transaction is rolled back. */
const TAKEN = Symbol("taken");
/** So often what took the key may be too old to answer with, or be swept, before it can be read. */
const ATTEMPTS_MAX = 3;

export function createCommitOnce({ db, read }: { db: Db; read: Read }): RecordStore["commitOnce"] {
  return async (endpointId, once, writes, toAnswer) => {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const results = await retryContention(() => commitUnlessTaken()).catch((error: unknown) => {
        if (error === TAKEN) return undefined;
        throw error;
      });
      if (results) return { outcome: "written", results };
      const remembered = await findRemembered(read, endpointId, once);
      if (remembered) return remembered;
    }
    throw new Error(`An Idempotency-Key of endpoint ${endpointId} is neither free nor known`);

    function commitUnlessTaken() {
      return db.$transaction(async (tx) => {
        // The endpoint's row is locked from here on: who has the same key waits, and finds it taken.
        const results = await tx.record.commit(endpointId, writes);
        const records = results.flatMap((result) => (result.outcome === "ok" ? [result.change.record] : []));
        if (records.length < writes.length) return results;
        if (!(await remember(tx, endpointId, once, toAnswer(records)))) throw TAKEN;
        return results;
      });
    }
  };
}
