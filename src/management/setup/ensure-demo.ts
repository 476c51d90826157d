/** Creates the demo project at start (D1). The snippet of the original documentation works against it. */
import type { Db } from "@/src/db/client";
import { lockAccounts, PLACEHOLDER_EMAIL } from "./first-admin";

export const DEMO_KEY = "d59eb2859c284168ac48aef65046d5dd";
export const DEMO_ENDPOINT = "examples/unsecure-endpoint";
const DEMO_PROJECT = "Examples";

/**
 * Idempotent, and safe to run on several nodes at once: does nothing if the demo's key exists. The first administrator owns the project; until there is
 * one, an account without a password does.
 */
export function ensureDemo({ db }: { db: Pick<Db, "$transaction"> }): Promise<"created" | "kept"> {
  return db.$transaction(async (tx) => {
    await lockAccounts({ db: tx });
    if (await tx.apiKey.findUnique({ where: { key: DEMO_KEY }, select: { id: true } })) return "kept";
    const admin = await tx.user.findFirst({
      where: { role: "admin", passwordHash: { not: null } },
      orderBy: [{ createdAt: "asc" }, { id: "asc" }],
      select: { id: true },
    });
    const owner =
      admin ??
      (await tx.user.upsert({
        where: { email: PLACEHOLDER_EMAIL },
        create: { email: PLACEHOLDER_EMAIL, name: "Demo", role: "member" },
        update: {},
        select: { id: true },
      }));
    await tx.project.create({
      data: {
        ownerId: owner.id,
        name: DEMO_PROJECT,
        keys: { create: { name: "Demo key", key: DEMO_KEY } },
        endpoints: { create: { name: DEMO_ENDPOINT, description: "Open to everybody who knows the demo's key." } },
      },
    });
    return "created";
  });
}
