/** Reads which dashboard sessions and management tokens are valid. */

import type { SignInStore } from "@/src/core/access/ports";
import type { Clock } from "@/src/core/clock";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

const FIND_VALID = nameStatement(
  "rested_find_valid_sign_ins",
  `SELECT id::text AS id FROM "Session" WHERE id = ANY ($1::uuid[]) AND "revokedAt" IS NULL AND "expiresAt" > $3::timestamptz
  UNION ALL SELECT id::text FROM "ManagementToken"
  WHERE id = ANY ($2::uuid[]) AND "revokedAt" IS NULL AND ("expiresAt" IS NULL OR "expiresAt" > $3::timestamptz)`,
);

/** `clock` decides what has expired, as it does for requests. */
export function createSignInStore({ db, clock }: { db: Pick<RawStatements, "$queryRawUnsafe">; clock: Clock }): SignInStore {
  return {
    async findValid(signIns) {
      if (signIns.length === 0) return new Set();
      const idsOf = (kind: "session" | "token") => signIns.filter((signIn) => signIn.kind === kind).map(({ id }) => id);
      const rows = await db.$queryRawUnsafe<{ id: string }[]>(FIND_VALID, idsOf("session"), idsOf("token"), clock.now());
      return new Set(rows.map(({ id }) => id));
    },
  };
}
