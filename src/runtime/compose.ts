/** Wires one node: the planes, caches and periodic jobs on connections, storage and limiters that its caller has opened. Starts no timer but the heartbeats. */
import type { Config } from "@/src/config/config";
import type { RecordJudges } from "@/src/core/access/record-judge";
import type { Clock } from "@/src/core/clock";
import type { FileStorage } from "@/src/core/files/ports";
import { createManagementLimits } from "@/src/core/limits/management-limits";
import type { RateLimiter } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import type { PasswordHasher } from "@/src/core/users/password-hasher";
import type { Lanes } from "@/src/db/lanes";
import type { DrainOptions } from "@/src/http/server/drain";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import { createSandbox } from "@/src/sandbox/sandbox";
import type { Cleanup } from "./cleanup";
import { composeAccess } from "./node/access";
import { composeDataPlane, composeStorage } from "./node/data-plane";
import { composeJobs } from "./node/jobs";
import { composeMail, type MailOptions } from "./node/mail";
import type { Siblings } from "./node/siblings";
import { createStores, type Stores } from "./node/stores";
import { composeStreams } from "./node/streams";
import { composeTraffic } from "./node/traffic";
import { composeUsers } from "./node/users";
import { composeWebhooks } from "./node/webhooks";
import type { Runtime } from "./registry";

export interface NodeOptions {
  config: Config;
  lanes: Lanes;
  /** Default: the adapters on `lanes`. */
  stores?: Stores;
  notifications: ChangeNotifications;
  storage: FileStorage;
  limiter: RateLimiter;
  passwords: PasswordHasher;
  /** Makes the judges of endpoints with access rules or functions. Default: by the stored ones. */
  judges?: RecordJudges | undefined;
  /** Signs sessions, set-up links and file tokens. */
  secret: string;
  /** The other processes of this server; undefined: there are none. */
  siblings?: Siblings | undefined;
  /** The other servers of the deployment, through Redis; undefined: there are none. */
  cluster?: { url: string; channel: string } | undefined;
  /** The memory that the limits of held bytes are derived from. */
  memoryBytes: number;
  clock: Clock;
  /** Monotonic, in milliseconds. Default: `performance.now`. */
  now?: () => number;
  /** Default: the limits of production. */
  drain?: DrainOptions;
  /** Default: the times of production. */
  mail?: MailOptions | undefined;
  log: Log;
  /** Closes what the node has made. Each part is added as soon as it exists, so a failure leaves nothing open. Call `closeStreams` first. */
  cleanup: Cleanup;
}

export type Node = ReturnType<typeof composeNode>;

/** Returns what the server, the scheduler and Next need of the node. It is closed by `cleanup`. */
export function composeNode(options: NodeOptions) {
  const { config, lanes, limiter, passwords, secret, clock, log, cleanup } = options;
  const stores = options.stores ?? createStores({ lanes, clock });
  const { traffic, trafficJobs } = composeTraffic({ ...options, stores });
  const sandbox = createSandbox({
    timeoutMs: config.sandboxTimeoutMs,
    memoryBytesMax: config.sandboxMemoryBytesMax,
    resultBytesMax: config.jsonataResultBytesMax,
    cpuMsPerMinute: config.sandboxCpuMsPerMinute,
    exchange: options.siblings?.counts,
    log,
  });
  cleanup.add(() => sandbox.close());
  const accessParts = composeAccess({ ...options, stores, sandbox });
  const { definitions, tokens, signIns, userData, functionVerdicts, judges } = accessParts;
  // The cluster bus follows below. No request arrives before.
  let settle = (): Promise<void> | undefined => undefined;
  const storageParts = composeStorage({ ...options, stores, sandbox });
  const { store, records, files, quotas, imports, importStaging } = storageParts;
  const mail = composeMail({ ...options, files, quotas });
  const { mailer, emails, deploymentLimits } = mail;
  const userParts = composeUsers({
    ...options,
    stores,
    tokens,
    sandbox,
    quotas,
    records,
    mailer,
    deploymentLimits,
    settle: () => settle(),
  });
  const { users, userEmails, emailQueue } = userParts;
  const streams = composeStreams({ ...options, ...accessParts, stores, sandbox, quotas, traffic });
  settle = streams.settle;
  const { hub, changes, eventStreams, streamRegistry, upgrade, closeStreams } = streams;
  const { webhooks, secrets, findUrlProblem } = composeWebhooks({ ...options, stores, sandbox });
  const stored = { records, users, userEmails, files, emails };
  const dataParts = composeDataPlane({ ...options, ...accessParts, ...stored, sandbox, stream: eventStreams, traffic });
  const { held, slowClients, drain, dataPlane } = dataParts;
  const { db, asAccount, recordSearch, writeDb, endpointQueue } = lanes;
  const runtime: Runtime = {
    ...{ config, log, clock, db, asAccount, recordSearch, writeDb, endpointQueue },
    ...{ records: store, changes, definitions, tokens, signIns, users, emailQueue, quotas, files, imports, importStaging },
    ...{ sandbox, functionVerdicts, judges, hub, held, secret, secrets, passwords, webhooks, findUrlProblem },
    mailer,
    email: { configurations: mail.configurations, sendTest: mail.sendTest, limiter, ports: config.smtpPorts },
    managementLimits: createManagementLimits({ limiter, perMinute: config.managementRateLimit }),
    loginLimiter: createLoginLimiter(),
    settle,
  };
  const jobs = composeJobs({
    ...{ ...runtime, trafficJobs, userData, lanes, mailDelivery: mail.delivery, streamRegistry, slowClients },
    role: options.siblings?.role,
  });
  return { runtime, userData, trafficJobs, dataPlane, drain, slowClients, upgrade, closeStreams, streamRegistry, jobs, mail };
}
