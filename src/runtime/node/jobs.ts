/** The periodic jobs of a node, with their intervals. */
import type { UserData } from "@/src/core/access/user-data";
import type { MailDelivery } from "@/src/core/mail/delivery";
import { sweepChanges } from "@/src/db/records/change-retention";
import { sweepIdempotentRequests } from "@/src/db/records/idempotent-requests";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { type SlowClients, SWEEP_INTERVAL_MS } from "@/src/http/server/slow-clients";
import type { StreamRegistry } from "@/src/realtime/hub/stream-registry";
import type { NodeOptions } from "../compose";
import type { Runtime } from "../registry";
import type { Job } from "../scheduler";
import type { Role } from "./siblings";
import type { TrafficParts } from "./traffic";

/** `lastUsedAt` of keys and tokens is at most this far behind. */
const USE_INTERVAL_MS = 10_000;
const TOKEN_SWEEP_INTERVAL_MS = 10 * 60_000;
const IDEMPOTENCY_SWEEP_INTERVAL_MS = 10 * 60_000;
/**
 * Files are deleted within this time after they become garbage: those of deleted records at once, those of uploads that a crash interrupted after the time
 * limit of uploads.
 */
const FILE_SWEEP_INTERVAL_MS = 10_000;
const IMPORT_SWEEP_INTERVAL_MS = 5 * 60_000;
/** The dashboard's list of open streams is at most this old, and a stream that is ended there closes within this time. */
const STREAMS_INTERVAL_MS = 1_000;
const LOG_SWEEP_INTERVAL_MS = 10_000;
/** The age of the counts that quotas are compared with. Writes that this server accepts are added to them at once. */
const USAGE_INTERVAL_MS = 5_000;
const DELIVERY_SWEEP_INTERVAL_MS = 30_000;
/** Requests for e-mails are served at once; those of a process that was killed, or that failed, within this time after their lease. */
const EMAIL_INTERVAL_MS = 5_000;
/** The rows of a deleted endpoint begin to be deleted within this time. */
const PURGE_INTERVAL_MS = 1_000;
/** Mails that another process has queued, and those of a node that was killed, are found within this time. */
const MAIL_INTERVAL_MS = 1_000;

/** The dashboard's numbers are at most this old. */
const TRAFFIC_INTERVAL_MS = 10_000;
/** A request is in the log, and a recording begins on every node, within this time. */
const REQUEST_LOG_INTERVAL_MS = 1_000;
const TRAFFIC_SWEEP_INTERVAL_MS = 60_000;

type Options = Pick<NodeOptions, "config" | "lanes"> &
  Pick<
    Runtime,
    "hub" | "definitions" | "tokens" | "signIns" | "users" | "emailQueue" | "quotas" | "files" | "importStaging" | "webhooks"
  > & {
    /** Undefined: this process serves everything. */
    role: Role | undefined;
    userData: Pick<UserData, "check">;
    trafficJobs: TrafficParts["trafficJobs"];
    streamRegistry: StreamRegistry;
    mailDelivery: Pick<MailDelivery, "poll">;
    slowClients: Pick<SlowClients, "sweep">;
  };

export function composeJobs(options: Options): Job[] {
  const { config, lanes, hub, definitions, tokens, signIns, users, emailQueue, quotas, files, importStaging, webhooks } = options;
  const { userData, trafficJobs, streamRegistry, slowClients, role } = options;
  const { background: db, endpointQueue: queue } = lanes;
  const { pollIntervalMs, retention } = config;
  const purge = createEndpointPurge({ db });
  const ofEachProcess: Job[] = [
    { name: "poll-change-log", intervalMs: pollIntervalMs, run: () => hub.poll() },
    { name: "check-definitions", intervalMs: pollIntervalMs, run: () => definitions.checkRevisions() },
    { name: "check-tokens", intervalMs: pollIntervalMs, run: () => tokens.checkRevisions() },
    { name: "check-user-data", intervalMs: pollIntervalMs, run: () => userData.check() },
    { name: "check-sign-ins", intervalMs: pollIntervalMs, run: () => signIns.check() },
    { name: "sync-open-streams", intervalMs: STREAMS_INTERVAL_MS, run: () => streamRegistry.sync() },
    { name: "flush-key-usage", intervalMs: USE_INTERVAL_MS, run: () => definitions.flushUse() },
    { name: "flush-token-usage", intervalMs: USE_INTERVAL_MS, run: () => tokens.flushUse() },
    { name: "end-slow-connections", intervalMs: SWEEP_INTERVAL_MS, run: () => slowClients.sweep() },
    { name: "flush-traffic", intervalMs: TRAFFIC_INTERVAL_MS, run: () => trafficJobs.flush() },
    { name: "sync-request-log", intervalMs: REQUEST_LOG_INTERVAL_MS, run: () => trafficJobs.syncRequests() },
    { name: "refresh-project-usage", intervalMs: USAGE_INTERVAL_MS, run: () => quotas.refresh() },
  ];
  // The workers leave the work on the whole deployment to the process with the dashboard.
  if (role === "data") return ofEachProcess;
  return [
    ...ofEachProcess,
    { name: "delete-expired-tokens", intervalMs: TOKEN_SWEEP_INTERVAL_MS, run: () => users.sweepTokens() },
    { name: "serve-email-requests", intervalMs: EMAIL_INTERVAL_MS, run: () => emailQueue.serve() },
    { name: "delete-expired-email-tokens", intervalMs: TOKEN_SWEEP_INTERVAL_MS, run: () => emailQueue.sweep() },
    { name: "purge-idempotency-keys", intervalMs: IDEMPOTENCY_SWEEP_INTERVAL_MS, run: () => sweepIdempotentRequests({ db, queue }) },
    { name: "purge-expired-changes", intervalMs: LOG_SWEEP_INTERVAL_MS, run: () => sweepChanges({ db, retention }) },
    {
      name: "purge-deleted-endpoints",
      intervalMs: PURGE_INTERVAL_MS,
      // The purge deletes the rows of files; the sweep deletes their bytes.
      run: async () => void ((await purge.run()) && files.sweepSoon()),
      stop: () => purge.stop(),
    },
    { name: "send-mails", intervalMs: MAIL_INTERVAL_MS, run: () => options.mailDelivery.poll() },
    { name: "sweep-files", intervalMs: FILE_SWEEP_INTERVAL_MS, run: () => files.sweep() },
    { name: "deliver-webhooks", intervalMs: pollIntervalMs, run: () => webhooks.poll() },
    { name: "renew-webhook-leases", intervalMs: Math.floor(config.webhooks.leaseMs / 3), run: () => webhooks.renew() },
    { name: "sweep-webhook-deliveries", intervalMs: DELIVERY_SWEEP_INTERVAL_MS, run: () => webhooks.sweep() },
    { name: "sweep-traffic", intervalMs: TRAFFIC_SWEEP_INTERVAL_MS, run: () => trafficJobs.sweep() },
    { name: "sweep-staged-imports", intervalMs: IMPORT_SWEEP_INTERVAL_MS, run: () => importStaging.sweep() },
  ];
}
