/** The part of a node that decides who may do what: cached definitions and tokens, the access decision, and the rate limit. */
import { createAccess } from "@/src/core/access/access";
import { createTokens } from "@/src/core/access/access-tokens";
import { createRateLimitPolicy } from "@/src/core/access/rate-limit-policy";
import { createDefinitions } from "@/src/core/access/resolved-endpoints";
import { createSignIns } from "@/src/core/access/sign-ins";
import { createFileTokens } from "@/src/core/files/tokens";
import type { NodeOptions } from "../compose";
import type { Stores } from "./stores";

export type AccessParts = ReturnType<typeof composeAccess>;

type Options = Pick<NodeOptions, "config" | "limiter" | "judges" | "secret" | "clock" | "now" | "log"> & { stores: Stores };

export function composeAccess({ stores, config, limiter, judges, secret, clock, now, log }: Options) {
  const definitions = createDefinitions({ store: stores.definitions, clock, log });
  const tokens = createTokens({ store: stores.tokens, clock, log });
  const signIns = createSignIns({ store: stores.signIns, log });
  const fileTokens = createFileTokens({ secret, clock });
  const access = createAccess({ definitions, tokens, signIns, fileTokens, judges, clock });
  const rateLimitPolicy = createRateLimitPolicy({ access, limiter, limit: config.rateLimit, ...(now ? { now } : {}) });
  return { definitions, tokens, signIns, fileTokens, access, rateLimitPolicy };
}
