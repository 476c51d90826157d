/**
 * Where code that Next bundles finds the process's one runtime (decision 4). Types only from the rest; it must hold no state but the slot.
 */
import type { Config } from "@/src/config/config";
import type { Tokens } from "@/src/core/access/access-tokens";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { Files } from "@/src/core/files/files";
import type { HeldBytes } from "@/src/core/limits/held-bytes";
import type { ManagementLimits } from "@/src/core/limits/management-limits";
import type { LoginLimiter } from "@/src/core/limits/ports";
import type { Quotas } from "@/src/core/limits/quotas";
import type { Log } from "@/src/core/log";
import type { RecordStore } from "@/src/core/records/ports";
import type { Sandbox } from "@/src/core/sandbox";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { PasswordHasher } from "@/src/core/users/password-hasher";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import type { AsAccount } from "@/src/db/lanes";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import type { ImportStaging } from "@/src/db/records/import-staging";
import type { RecordSearch } from "@/src/db/records/record-search";
import type { Importer } from "@/src/management/import/importer";
import type { Hub } from "@/src/realtime/hub/hub";

/** Everything with a socket, pool, timer or cache; made once by runtime/compose.ts. */
export interface Runtime {
  config: Config;
  log: Log;
  clock: Clock;
  /** The extended Prisma client, on the dashboard's connections. */
  db: Db;
  /** Runs work for an account: its statements on `db` then take turns with those of other accounts. */
  asAccount: AsAccount;
  /** Pages of the grid and of exports. */
  recordSearch: RecordSearch;
  /** For whatever takes the lock of an endpoint's row, in `endpointQueue`; never for anything else, since its connections are few. */
  writeDb: Db;
  /** The turns of all writers at an endpoint: whatever takes the lock of an endpoint's row runs in it. */
  endpointQueue: EndpointQueue;
  records: RecordStore;
  changes: ChangeLog;
  /** Cached keys, endpoints, projects: call `invalidate(projectId)` after a change of any of them. */
  definitions: Definitions;
  /** Cached access tokens of applications' users: call `invalidate(projectId)` after one was ended. */
  tokens: Tokens;
  /** The dashboard's sign-ins: call `invalidate(userId)` after a session or a management token was ended. */
  signIns: SignIns;
  /** Users of applications, at authentication endpoints. */
  users: Users;
  /** What projects may hold. `records`, `users` and `files` ask for it themselves. */
  quotas: Quotas;
  /** Files of records: opens them, takes uploads, removes what no record has any more. */
  files: Files;
  /** Reads import files, apart from this process. */
  imports: Importer;
  /** Where their records are until all of them are published. */
  importStaging: ImportStaging;
  /** Runs JSONata and checks of JSON Schemas, apart from this process. */
  sandbox: Sandbox;
  hub: Hub;
  /** Counts the bytes that are held for callers. */
  held: HeldBytes;
  /** Signs dashboard sessions and set-up links; 32 bytes as base64url. */
  secret: string;
  /** Hashes and checks every password of this process, in a fair order. */
  passwords: PasswordHasher;
  /** What the management API and the dashboard's pages may take. */
  managementLimits: ManagementLimits;
  /** Counts attempts to guess passwords. */
  loginLimiter: LoginLimiter;
}

const SLOT = Symbol.for("rested.runtime");

/** Makes `runtime` the one of this process. Raises when there is one: two would mean two pools and two hubs. */
export function installRuntime(runtime: Runtime): void {
  const slots = globalThis as { [SLOT]?: Runtime };
  if (slots[SLOT]) throw new Error("A runtime is installed in this process already.");
  slots[SLOT] = runtime;
}

/** The process's runtime. Raises when code runs outside the server, e.g. under `next start` instead of `npm start`. */
export function getRuntime(): Runtime {
  const runtime = (globalThis as { [SLOT]?: Runtime })[SLOT];
  if (!runtime) throw new Error("No runtime: start the server with `npm start` or `npm run dev`, not with `next`.");
  return runtime;
}

/** Forgets the runtime, after shutdown. */
export function uninstallRuntime(): void {
  delete (globalThis as { [SLOT]?: Runtime })[SLOT];
}
