/**
 * The Prisma client extension around every query. The database itself logs every write to a record (prisma/migrations); this
 * adds the door to the model, tells subscribers after the commit, and turns a database that is away into E3. It must not log changes.
 */
import type { Write, WriteResult } from "@/src/core/records/ports";
import { retryContention, toDatabaseError } from "@/src/db/errors";
import { Prisma } from "@/src/db/prisma/generated/client";
import type { NotificationScopes } from "@/src/db/prisma/transaction-notifications";
import { toWriteNotifications } from "@/src/db/prisma/write-notifications";
import { commitWrites, isCommitClient, isCommitStatement } from "@/src/db/records/record-commit";

/** Runs work that needs a connection. */
export type Enter = <T>(work: () => Promise<T>) => Promise<T>;

/** `record.commit(…)`, and the notifications of all other writes. Transactions: see createDb. */
export function createChangeExtension(scopes: NotificationScopes, enter: Enter) {
  return Prisma.defineExtension({
    name: "changes",
    model: {
      record: {
        /**
         * The door: applies the writes to one endpoint in order, in one statement. Outside a transaction they are committed
         * when it settles; inside one (`tx.record.commit`), when that is. A write whose condition fails is reported and
         * does not disturb the others; an id that exists already, or data that is not JSON, fails the whole batch.
         */
        async commit(endpointId: string, writes: readonly Write[]): Promise<WriteResult[]> {
          // The client below this extension: the one of the transaction inside one.
          const { $parent } = Prisma.getExtensionContext(this);
          if (!isCommitClient($parent)) throw new Error("record.commit was called apart from its model");
          const results = await guard({ scopes, enter }, () => commitWrites($parent, endpointId, writes));
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

/** Outside a transaction a statement that lost against another one runs again; inside, the whole transaction has to. */
async function guard<T>({ scopes, enter }: { scopes: NotificationScopes; enter: Enter }, work: () => PromiseLike<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await (scopes.isOpen() ? work() : enter(() => retryContention(work)));
  } catch (error) {
    throw toDatabaseError(error, performance.now() - startedAt);
  }
}
