/** Reads when something shall expire. */
import type { Clock } from "@/src/core/clock";
import { AppError } from "@/src/shared/errors";

/** The time of a checked `expiresAt` field; null: never. Raises `fields_invalid` when it has passed. */
export function parseExpiry({ expiresAt, clock }: { expiresAt: string | null | undefined; clock: Clock }): Date | null {
  if (expiresAt === null || expiresAt === undefined) return null;
  const time = new Date(expiresAt);
  if (!(time > clock.now())) throw new AppError("fields_invalid", { fields: { expiresAt: "Use a time in the future." } });
  return time;
}
