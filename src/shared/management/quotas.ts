/** How much a project may hold (G20): the names of quotas, and the schemas with which they are shown and set. */
import * as z from "zod/mini";

/** Of a project. Bytes of records are those of their data as text; `answerBytes`: of what is kept for Idempotency-Keys (R9). */
export const QUOTA_NAMES = ["records", "recordBytes", "fileBytes", "users", "endpoints", "answerBytes"] as const;
export type QuotaName = (typeof QUOTA_NAMES)[number];

/** How much of each there may be; 0: no limit. */
export type QuotaLimits = Readonly<Record<QuotaName, number>>;

/** A limit is an exact integer in JavaScript and in the database. */
const QUOTA_MAX = Number.MAX_SAFE_INTEGER;

const limit = z.optional(
  z.nullable(
    z
      .int("Use a whole number; 0 for no limit, null for the server's limit.")
      .check(z.gte(0, "Use 0 or more."), z.lte(QUOTA_MAX, `Use ${QUOTA_MAX} at most.`)),
  ),
);
/** PATCH projects/{id}/quotas: absent fields stay; null: the server's limit; 0: no limit. */
export const quotasPatchSchema = z.strictObject({
  records: limit,
  recordBytes: limit,
  fileBytes: limit,
  users: limit,
  endpoints: limit,
  answerBytes: limit,
});

/** `limit`: null for none. `own`: what an administrator has set for this project; null: the server's limit holds. */
const quota = z.object({ used: z.number(), limit: z.nullable(z.number()), own: z.nullable(z.number()) });
/** GET projects/{id}/usage. */
export const projectUsageSchema = z.object({
  records: quota,
  recordBytes: quota,
  fileBytes: quota,
  users: quota,
  endpoints: quota,
  answerBytes: quota,
});

export type QuotasPatch = z.infer<typeof quotasPatchSchema>;
export type ProjectUsage = z.infer<typeof projectUsageSchema>;
