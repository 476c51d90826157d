/** Holds the process's one runtime, for code that Next.js bundles separately. Imports only types, so that the bundles share no other state. */
import type { Config } from "@/src/config/config";
import type { Tokens } from "@/src/core/access/access-tokens";
import type { RecordJudges } from "@/src/core/access/record-judge";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { FunctionVerdicts } from "@/src/core/access-functions/function-verdicts";
import type { Clock } from "@/src/core/clock";
import type { Files } from "@/src/core/files/files";
import type { HeldBytes } from "@/src/core/limits/held-bytes";
import type { ManagementLimits } from "@/src/core/limits/management-limits";
import type { LoginLimiter, RateLimiter } from "@/src/core/limits/ports";
import type { Quotas } from "@/src/core/limits/quotas";
import type { Log } from "@/src/core/log";
import type { MailConfigurations, Mailer } from "@/src/core/mail/ports";
import type { SendTestMail } from "@/src/core/mail/test-mail";
import type { RecordStore } from "@/src/core/records/ports";
import type { Sandbox } from "@/src/core/sandbox";
import type { SecretBox } from "@/src/core/secrets/secret-box";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { EmailQueue } from "@/src/core/users/email-queue";
import type { PasswordHasher } from "@/src/core/users/password-hasher";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import type { AsAccount } from "@/src/db/lanes";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import type { ImportStaging } from "@/src/db/records/import-staging";
import type { RecordSearch } from "@/src/db/records/record-search";
import type { Importer } from "@/src/management/import/importer";
import type { Hub } from "@/src/realtime/hub/hub";
import type { Webhooks } from "@/src/realtime/webhooks/webhooks";

/** The shared parts of the process: pools, caches, timers and sockets. Created once by runtime/compose.ts. */
export interface Runtime {
  config: Config;
  log: Log;
  clock: Clock;
  /** The extended Prisma client, on the dashboard's connections. */
  db: Db;
  /** Runs work for an account. Its statements on `db` then take turns with those of other accounts. */
  asAccount: AsAccount;
  /** Pages of the grid and of exports. */
  recordSearch: RecordSearch;
  /** Only for work that locks the row of an endpoint, in `endpointQueue`, because its connections are few. */
  writeDb: Db;
  /** Queues all writers of an endpoint. Work that locks the row of an endpoint runs in it. */
  endpointQueue: EndpointQueue;
  records: RecordStore;
  changes: ChangeLog;
  /** Cached keys, endpoints and projects. Call `invalidate(projectId)` after a change of any of them. */
  definitions: Definitions;
  /** Cached access tokens of applications' users. Call `invalidate(projectId)` after a token was ended. */
  tokens: Tokens;
  /** The dashboard's sign-ins. Call `invalidate(userId)` after a session or a management token was ended. */
  signIns: SignIns;
  /** Users of applications, at authentication endpoints. */
  users: Users;
  /** Requests for e-mails to users and to accounts. */
  emailQueue: EmailQueue;
  /** Quotas of projects. `records`, `users` and `files` check them themselves. */
  quotas: Quotas;
  /** Files of records: opens and stores them, and deletes files without a record. */
  files: Files;
  /** Reads import files, in other processes. */
  imports: Importer;
  /** Holds the records of an import until all of them are published. */
  importStaging: ImportStaging;
  /** Runs JSONata and JSON Schema checks in other processes. */
  sandbox: Sandbox;
  /** Evaluates access functions. */
  functionVerdicts: FunctionVerdicts;
  /** The judges of endpoints with access rules or an access function. */
  judges: RecordJudges;
  hub: Hub;
  /** Counts the bytes that are held for callers. */
  held: HeldBytes;
  /** Signs dashboard sessions and set-up links. 32 bytes as base64url. */
  secret: string;
  /** Encrypts secrets that are stored and must be read again. */
  secrets: SecretBox;
  /** Delivers webhooks. Call `wake` after a change of one. */
  webhooks: Webhooks;
  /** Describes why webhooks cannot be sent to a URL. Undefined: they can. */
  findUrlProblem: (url: string) => string | undefined;
  /** Hashes and verifies all passwords of this process, in a fair order. */
  passwords: PasswordHasher;
  /** Queues mails. */
  mailer: Mailer;
  /** For the e-mail configurations of projects. */
  email: { configurations: MailConfigurations; sendTest: SendTestMail; limiter: RateLimiter; ports: readonly number[] | "any" };
  /** Limits of the management API and the dashboard's pages. */
  managementLimits: ManagementLimits;
  /** Limits attempts to guess passwords. */
  loginLimiter: LoginLimiter;
  /**
   * Call it before the response to a request that invalidated something. A promise resolves when the other workers of this server have dropped it too, or
   * after a second at the latest.
   */
  settle: () => Promise<void> | undefined;
}

const SLOT = Symbol.for("rested.runtime");

/** Makes `runtime` the runtime of this process. Throws if there is one already, because two would mean two pools and two hubs. */
export function installRuntime(runtime: Runtime): void {
  const slots = globalThis as { [SLOT]?: Runtime };
  if (slots[SLOT]) throw new Error("A runtime is installed in this process already.");
  slots[SLOT] = runtime;
}

/** Returns the process's runtime. Throws if code runs outside the server, e.g. under `next start` instead of `npm start`. */
export function getRuntime(): Runtime {
  const runtime = (globalThis as { [SLOT]?: Runtime })[SLOT];
  if (!runtime) throw new Error("No runtime: start the server with `npm start` or `npm run dev`, not with `next`.");
  return runtime;
}

/** Removes the runtime, after shutdown. */
export function uninstallRuntime(): void {
  delete (globalThis as { [SLOT]?: Runtime })[SLOT];
}
