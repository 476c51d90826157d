/** Small helpers of the use cases: partial updates, unique violations, expiry dates. */
import type { Clock } from "@/src/core/clock";
import { AppError } from "@/src/shared/errors";

/** Returns `value` without the properties that are undefined. */
export function pickDefined<Value extends object>(value: Value): { [Key in keyof Value]?: Exclude<Value[Key], undefined> } {
  const defined = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(defined) as { [Key in keyof Value]?: Exclude<Value[Key], undefined> };
}

/** True for Prisma's error of a violated unique constraint. */
export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, "P2002");
}

/** True for Prisma's error of a violated foreign key, e.g. if the project was deleted since it was looked up. */
export function isForeignKeyViolation(error: unknown): boolean {
  return hasCode(error, "P2003");
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}

/** Returns the time of a validated `expiresAt` field, or null for no expiry. Throws `fields_invalid` if the time has passed. */
export function parseExpiry({ expiresAt, clock }: { expiresAt: string | null | undefined; clock: Clock }): Date | null {
  if (expiresAt === null || expiresAt === undefined) return null;
  const time = new Date(expiresAt);
  if (!(time > clock.now())) throw new AppError("fields_invalid", { fields: { expiresAt: "Use a time in the future." } });
  return time;
}
