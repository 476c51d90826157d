/** The database adapters of a node, one for each port of the core. */
import type { Clock } from "@/src/core/clock";
import type { Lanes } from "@/src/db/lanes";
import { createChangeLog } from "@/src/db/records/change-log";
import { createRecordStore } from "@/src/db/records/record-store";
import { createSnapshotReader } from "@/src/db/records/snapshot-reader";
import { createDefinitionStore } from "@/src/db/stores/definitions";
import { createFileStore } from "@/src/db/stores/files";
import { createOpenStreamStore } from "@/src/db/stores/open-streams";
import { createSignInStore } from "@/src/db/stores/sign-ins";
import { createTokenStore } from "@/src/db/stores/tokens";
import { createUsageStore } from "@/src/db/stores/usage";
import { createUserEmailStore } from "@/src/db/stores/user-emails";
import { createUserStore } from "@/src/db/stores/users";
import { createWebhookStore } from "@/src/db/stores/webhooks";
import { createRequestLogStore } from "@/src/db/traffic/request-log-store";
import { createTrafficStore } from "@/src/db/traffic/traffic-store";

export type Stores = ReturnType<typeof createStores>;

/** Opens no connection. */
export function createStores({ lanes, clock }: { lanes: Lanes; clock: Clock }) {
  const { pools, writeDb, endpointQueue: queue, pageReads, listReads, reads, background } = lanes;
  return {
    records: createRecordStore({ db: writeDb, pool: pools.reads, pageReads, listReads, queue }),
    users: createUserStore({ db: writeDb, queue, reads, background }),
    userEmails: createUserEmailStore({ db: writeDb, queue, reads, background }),
    files: createFileStore({ db: writeDb, queue, reads, background }),
    changes: createChangeLog({ db: reads }),
    snapshots: createSnapshotReader({ pool: pools.reads, pageReads }),
    definitions: createDefinitionStore({ db: reads, background, clock }),
    tokens: createTokenStore({ db: reads, background }),
    signIns: createSignInStore({ db: reads, clock }),
    usage: createUsageStore({ db: reads }),
    openStreams: createOpenStreamStore({ db: background }),
    webhooks: createWebhookStore({ db: background }),
    traffic: createTrafficStore({ db: background }),
    requestLog: createRequestLogStore({ db: background }),
  };
}
