/** The quotas of projects (G20): their names, and the schemas with which they are read and set. */
import * as z from "zod/mini";

/**
 * The quotas of a project. Bytes of records are those of their data as text. `answerBytes` are those of the responses stored for Idempotency-Keys
 * (R9).
 */
export const QUOTA_NAMES = ["records", "recordBytes", "fileBytes", "users", "endpoints", "answerBytes"] as const;
export type QuotaName = (typeof QUOTA_NAMES)[number];

/** The limit of each quota. 0: no limit. */
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
/** PATCH projects/{id}/quotas. Absent: unchanged. Null: the server's limit. 0: no limit. */
export const quotasPatchSchema = z.strictObject({
  records: limit,
  recordBytes: limit,
  fileBytes: limit,
  users: limit,
  endpoints: limit,
  answerBytes: limit,
});

/** `limit`: null if there is none. `own`: the value that an administrator set for this project; null if the server's limit applies. */
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
