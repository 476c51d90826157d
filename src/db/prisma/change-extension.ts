/**
 * Extends the Prisma client: adds `record.commit`, publishes change notifications after the commit, and translates database errors (E3). The database
 * itself logs every write to a record (see prisma/migrations).
 */
import type { Write, WriteResult } from "@/src/core/records/ports";
import { retryContention, toDatabaseError } from "@/src/db/errors";
import { Prisma } from "@/src/db/prisma/generated/client";
import type { NotificationScopes } from "@/src/db/prisma/transaction-notifications";
import { toWriteNotifications } from "@/src/db/prisma/write-notifications";
import { type CommitClient, commitWrites, isCommitClient, isCommitStatement } from "@/src/db/records/record-commit";

/** Runs work that needs a connection. */
export type Enter = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Adds `record.commit(…)` and the notifications of all other writes. createDb handles transactions. `direct` runs record commits outside of
 * transactions, without Prisma.
 */
export function createChangeExtension(scopes: NotificationScopes, enter: Enter, direct: CommitClient) {
  return Prisma.defineExtension({
    name: "changes",
    model: {
      record: {
        /**
         * The record commit: applies the writes to one endpoint in order, in one statement. Outside of a transaction they are committed when the
         * promise settles; inside one (`tx.record.commit`), with the transaction. A write whose condition fails is reported and does not affect the
         * others. An id that already exists, or data that is not JSON, makes the whole batch fail.
         */
        async commit(endpointId: string, writes: readonly Write[]): Promise<WriteResult[]> {
          const client = scopes.isOpen() ? toParent(Prisma.getExtensionContext(this)) : direct;
          const results = await guard({ scopes, enter }, () => commitWrites(client, endpointId, writes));
          const changes = results.flatMap((result) => (result.outcome === "ok" ? [result.change] : []));
          if (changes.length > 0) scopes.publish({ kind: "changes", changes });
          return results;
        },
      },
    },
    query: {
      async $allOperations({ model, operation, args, query }) {
        if (isCommitStatement(args)) return query(args);
        const result: unknown = await guard({ scopes, enter }, () => query(args));
        for (const notification of toWriteNotifications({ model, operation, args, result })) scopes.publish(notification);
        return result;
      },
    },
  });
}

/** The client below this extension; inside a transaction, the transaction's client. */
function toParent({ $parent }: { $parent: unknown }): CommitClient {
  if (!isCommitClient($parent)) throw new Error("record.commit was called apart from its model");
  return $parent;
}

/** After contention, a statement outside of a transaction is run again. Inside one, the whole transaction must be. */
async function guard<T>({ scopes, enter }: { scopes: NotificationScopes; enter: Enter }, work: () => PromiseLike<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await (scopes.isOpen() ? work() : enter(() => retryContention(work)));
  } catch (error) {
    throw toDatabaseError(error, performance.now() - startedAt);
  }
}
