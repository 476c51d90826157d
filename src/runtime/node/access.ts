/** The part of a node that decides who may do what: cached definitions and tokens, the access decision, and the rate limit. */
import { createAccess } from "@/src/core/access/access";
import { createTokens } from "@/src/core/access/access-tokens";
import { createRateLimitPolicy } from "@/src/core/access/rate-limit-policy";
import { createDefinitions } from "@/src/core/access/resolved-endpoints";
import { createSignIns } from "@/src/core/access/sign-ins";
import { createUserData } from "@/src/core/access/user-data";
import { createFunctionJudges } from "@/src/core/access-functions/function-judges";
import { createFunctionVerdicts } from "@/src/core/access-functions/function-verdicts";
import { createFileTokens } from "@/src/core/files/tokens";
import { createRuleJudges } from "@/src/core/rules/rule-judges";
import type { Sandbox } from "@/src/core/sandbox";
import { createRead } from "@/src/db/read";
import { createRecordFinder } from "@/src/management/records/find-records";
import type { NodeOptions } from "../compose";
import type { Stores } from "./stores";

export type AccessParts = ReturnType<typeof composeAccess>;

type Options = Pick<
  NodeOptions,
  "config" | "lanes" | "limiter" | "notifications" | "judges" | "secret" | "clock" | "now" | "log" | "cleanup"
> & { stores: Stores; sandbox: Pick<Sandbox, "judgeFunction"> };

export function composeAccess({
  stores,
  sandbox,
  config,
  lanes,
  limiter,
  notifications,
  secret,
  clock,
  now,
  log,
  cleanup,
  ...options
}: Options) {
  const { records, changes } = stores;
  const userData = createUserData({
    read: (endpointId, userId) => records.readOne(endpointId, userId),
    readPositions: (endpointIds) => changes.positions(endpointIds),
  });
  // Before the streams, so that a stream is sent a change as its user may read it after the change.
  cleanup.add(notifications.subscribe((notification) => userData.notify(notification)));
  const finder = createRecordFinder({ read: createRead(lanes.pools.reads), search: lanes.recordSearch });
  const functionVerdicts = createFunctionVerdicts({ sandbox, finder, log });
  const judges = options.judges ?? createFunctionJudges(createRuleJudges({ userData }), { verdicts: functionVerdicts, userData, clock });
  const definitions = createDefinitions({ store: stores.definitions, clock, log });
  const tokens = createTokens({ store: stores.tokens, clock, log });
  const signIns = createSignIns({ store: stores.signIns, log });
  const fileTokens = createFileTokens({ secret, clock });
  const access = createAccess({ definitions, tokens, signIns, fileTokens, judges, clock });
  const rateLimitPolicy = createRateLimitPolicy({ access, limiter, limit: config.rateLimit, ...(now ? { now } : {}) });
  return { userData, functionVerdicts, judges, definitions, tokens, signIns, fileTokens, access, rateLimitPolicy };
}
