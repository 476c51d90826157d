/** Creates the accounts and the demo of the configuration, and prints the address of the server on the terminal. */

import { createSetupToken } from "@/src/management/keys/secrets";
import { ensureAdmin } from "@/src/management/setup/ensure-admin";
import { DEMO_ENDPOINT, DEMO_KEY, ensureDemo } from "@/src/management/setup/ensure-demo";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import type { Runtime } from "./registry";

/** Creates the configured administrator, token and demo (G1, D1). Idempotent. */
export async function prepareAccounts({ config, db, passwords, log }: Pick<Runtime, "config" | "db" | "passwords" | "log">): Promise<void> {
  const { admin, token } = await ensureAdmin({ db, passwords, admin: config.admin, adminToken: config.adminToken });
  if (admin === "created") log.info({}, "created the administrator from RESTED_ADMIN_EMAIL");
  if (token === "refused") log.warn({}, "RESTED_ADMIN_TOKEN was not applied: there is no administrator yet, or the token was revoked");
  if (config.demo) await ensureDemo({ db });
}

/** Prints the address and, until the first administrator exists, the set-up link. The link is a secret, so it goes to the terminal and not to the log. */
export async function announce({ config, db, secret }: Pick<Runtime, "config" | "db" | "secret">, url: string): Promise<void> {
  const lines = [`Rested is ready at ${url}`];
  if (await isSetupNeeded({ db })) lines.push(`Create the first account: ${url}/setup?token=${createSetupToken(secret)}`);
  if (config.demo) lines.push(`Demo endpoint: ${url}${toEndpointPath(DEMO_ENDPOINT)}?key=${DEMO_KEY}`);
  process.stdout.write(`${lines.join("\n")}\n`);
}
