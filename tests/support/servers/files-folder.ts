/** Files of a test's server, in a folder of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createFiles, type Files } from "@/src/core/files/files";
import { limitFileStore } from "@/src/core/limits/quota-stores";
import type { Quotas } from "@/src/core/limits/quotas";
import type { Log } from "@/src/core/log";
import type { RecordStore } from "@/src/core/records/ports";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { createFileStore } from "@/src/db/stores/files";
import { createDiskStorage } from "@/src/storage/disk";
import { listFiles } from "../list-files";

export interface FilesFolder {
  files: Files;
  dir: string;
  /** The names of the files in it, partial ones too. */
  list(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function createFilesFolder(options: {
  db: Db;
  queue: EndpointQueue;
  records: RecordStore;
  sandbox: Pick<Sandbox, "validate">;
  log: Log;
  uploadTimeoutMs?: number;
  /** Absent: no quotas. */
  quotas?: Quotas;
}): Promise<FilesFolder> {
  const { db, queue, records, sandbox, log, uploadTimeoutMs = 10_000, quotas } = options;
  const store = createFileStore({ db, queue });
  const dir = await mkdtemp(path.join(os.tmpdir(), "rested-files-"));
  const storage = createDiskStorage({ dir });
  return {
    files: createFiles({ store: quotas ? limitFileStore(store, quotas) : store, storage, records, sandbox, log, uploadTimeoutMs }),
    dir,
    list: () => listFiles(dir),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
