/** Decorates the stores of records, files and users so that every write checks the project's quotas first (G20). */
import type { FileStore } from "@/src/core/files/ports";
import type { Additions, Quotas, StagedBytes } from "@/src/core/limits/quotas";
import type { EmailStore } from "@/src/core/mail/emails";
import type { RecordStore, Write } from "@/src/core/records/ports";
import type { UserStore } from "@/src/core/users/ports";

/** The bytes that a stored response has for a record in addition to its data: id and times. */
const RESPONSE_BYTES_PER_RECORD = 110;

type Admit = Pick<Quotas, "admit">;

export function limitRecordStore(store: RecordStore, quotas: Admit): RecordStore {
  return {
    ...store,
    commit: (endpointId, writes) => afterwards(quotas.admit(endpointId, sumWrites(writes)), () => store.commit(endpointId, writes)),
    commitIdempotent: (endpointId, idempotencyKey, writes, toResponse) =>
      afterwards(quotas.admit(endpointId, withResponses(sumWrites(writes), writes.length)), () =>
        store.commitIdempotent(endpointId, idempotencyKey, writes, toResponse),
      ),
    // The size of the result is only known after the write. A merge is admitted if one byte is left, and may exceed the quota.
    merge: (endpointId, id, merge, conditions) =>
      afterwards(quotas.admit(endpointId, { replaces: 0 }), () =>
        store.merge(endpointId, id, merge, conditions).then((result) => {
          if (result.outcome === "ok")
            quotas.admit(endpointId, { replaces: Buffer.byteLength(result.change.record.data) })?.catch(() => undefined);
          return result;
        }),
      ),
  };
}

export function limitFileStore(store: FileStore, quotas: Pick<Quotas, "admit" | "stage">): FileStore {
  /** Running uploads, by file. */
  const staged = new Map<string, StagedBytes>();
  function unstage(ids: readonly string[]): void {
    for (const id of ids) {
      staged.get(id)?.release();
      staged.delete(id);
    }
  }
  return {
    ...store,
    begin: (file, lifeMs, { endpointId, mayReplay }) => {
      const bytes = quotas.stage(endpointId, mayReplay);
      staged.set(file.id, bytes);
      // A replay is answered even if the quota is used up.
      return afterwards(mayReplay ? undefined : bytes.add(0), () => store.begin(file, lifeMs, { endpointId, mayReplay }));
    },
    grow: (id, bytes) => staged.get(id)?.add(bytes),
    release: (ids) => store.release(ids).finally(() => unstage(ids)),
    commit: (endpointId, uploads, idempotency) => {
      const additions = sumWrites(uploads.map(({ write }) => write));
      const fileBytes = uploads.reduce((sum, { file }) => sum + file.size, 0);
      const stagedBytes = uploads.reduce((sum, { file }) => sum + (staged.get(file.id)?.size ?? 0), 0);
      const all = { ...additions, fileBytes, stagedBytes };
      return afterwards(quotas.admit(endpointId, idempotency ? withResponses(all, uploads.length) : all), () => {
        unstage(uploads.map(({ file }) => file.id));
        return store.commit(endpointId, uploads, idempotency);
      });
    },
  };
}

export function limitEmailStore(store: EmailStore, quotas: Admit): EmailStore {
  const toAdditions = (data: string) => ({ records: 1, recordBytes: Buffer.byteLength(data) });
  return {
    ...store,
    create: (email) => afterwards(quotas.admit(email.endpointId, toAdditions(email.record.data)), () => store.create(email)),
    createIdempotent: (email, key, toResponse) =>
      afterwards(quotas.admit(email.endpointId, withResponses(toAdditions(email.record.data), 1)), () =>
        store.createIdempotent(email, key, toResponse),
      ),
  };
}

export function limitUserStore(store: UserStore, quotas: Admit): UserStore {
  return {
    ...store,
    register: (user) =>
      afterwards(quotas.admit(user.endpointId, { records: 1, users: 1, recordBytes: Buffer.byteLength(user.data) }), () =>
        store.register(user),
      ),
    change: (change) =>
      afterwards(quotas.admit(change.endpointId, { replaces: Buffer.byteLength(change.data) }), () => store.change(change)),
  };
}

/** Avoids an extra tick if there is nothing to wait for. */
function afterwards<T>(admitted: Promise<void> | undefined, work: () => Promise<T>): Promise<T> {
  return admitted ? admitted.then(work) : work();
}

/** The usage that the writes add. Deletions free nothing until the database has counted them. */
function sumWrites(writes: readonly Write[]): Additions & { replaces?: number } {
  let records = 0;
  let recordBytes = 0;
  let replaces: number | undefined;
  for (const write of writes) {
    if (write.type === "POST") {
      records += 1;
      recordBytes += Buffer.byteLength(write.data);
    } else if (write.type === "PUT") {
      replaces = (replaces ?? 0) + Buffer.byteLength(write.data);
    }
  }
  return { records, recordBytes, ...(replaces === undefined ? {} : { replaces }) };
}

function withResponses<T extends Additions>(additions: T, records: number): T & { answerBytes: number } {
  return { ...additions, answerBytes: (additions.recordBytes ?? 0) + records * RESPONSE_BYTES_PER_RECORD };
}
