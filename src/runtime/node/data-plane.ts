/** The part of a node that stores: records, files and imports within their quotas, and the data plane that serves them over HTTP. */
import path from "node:path";
import { createFiles } from "@/src/core/files/files";
import { createHeldBytes } from "@/src/core/limits/held-bytes";
import { limitFileStore, limitRecordStore } from "@/src/core/limits/quota-stores";
import { createQuotas } from "@/src/core/limits/quotas";
import { createRecords } from "@/src/core/records/records";
import { createImportStaging } from "@/src/db/records/import-staging";
import { createDataPlane, type DataPlaneOptions } from "@/src/http/data-plane";
import { createDrain } from "@/src/http/server/drain";
import { createSlowClients } from "@/src/http/server/slow-clients";
import { createImporter } from "@/src/management/import/importer";
import type { createSandbox } from "@/src/sandbox/sandbox";
import { findImportWorkerScript } from "@/src/sandbox/worker-script";
import type { NodeOptions } from "../compose";
import type { AccessParts } from "./access";
import type { Stores } from "./stores";
import type { UserParts } from "./users";

type Sandbox = ReturnType<typeof createSandbox>;

type StorageOptions = Pick<NodeOptions, "config" | "lanes" | "notifications" | "storage" | "siblings" | "clock" | "log" | "cleanup"> & {
  stores: Stores;
  sandbox: Sandbox;
};

export type StorageParts = ReturnType<typeof composeStorage>;

/** Records and files, each within the quotas of its project. Adds to `cleanup` what must be closed. */
export function composeStorage(options: StorageOptions) {
  const { stores, sandbox, config, lanes, notifications, storage, clock, log, cleanup } = options;
  const exchange = options.siblings?.counts;
  const quotas = createQuotas({ store: stores.usage, defaults: config.quotas, clock, exchange });
  const store = limitRecordStore(stores.records, quotas);
  const records = createRecords({ store, sandbox, recordBytesMax: config.bodyBytesMax });
  const files = createFiles({
    store: limitFileStore(stores.files, quotas),
    storage,
    records: store,
    sandbox,
    log,
    uploadTimeoutMs: config.uploadTimeoutMs,
    exchange,
  });
  const imports = createImporter({ dir: path.join(config.dataDir, "imports"), findScript: findImportWorkerScript, log });
  cleanup.add(() => imports.close());
  const { pools, runForAccount: stage, endpointQueue: queue } = lanes;
  const importStaging = createImportStaging({ pool: pools.writes, stage, queue, notifications, log });
  return { quotas, store, records, files, imports, importStaging };
}

type DataPlaneParts = Pick<NodeOptions, "config" | "memoryBytes" | "drain" | "clock" | "now" | "log"> &
  Pick<AccessParts, "access" | "rateLimitPolicy" | "fileTokens"> &
  Pick<StorageParts, "records" | "files"> &
  Pick<UserParts, "users" | "userEmails"> &
  Required<Pick<DataPlaneOptions, "sandbox" | "stream" | "emails" | "traffic">>;

/** The data plane over HTTP, and what it shares with the server in front of it. */
export function composeDataPlane({ memoryBytes, now, ...parts }: DataPlaneParts) {
  const held = createHeldBytes({ memoryBytes, bodyBytesMax: parts.config.bodyBytesMax });
  const slowClients = createSlowClients(now ? { now } : {});
  const drain = createDrain(parts.drain);
  return { held, slowClients, drain, dataPlane: createDataPlane({ ...parts, held, slowClients, drain }) };
}
