/** Ends an open stream, on whichever server it is (G16). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

/** At once when it is on this server, within about a second on another one. Its client may connect again. Raises `not_found`. */
export async function endConnection({
  db,
  endHere,
  ownerId,
  connectionId,
}: {
  db: Pick<Db, "$executeRaw">;
  /** Ends a stream of this server; false: it is on another one. */
  endHere: (id: string, error: AppError) => boolean;
  ownerId: string;
  connectionId: string;
}): Promise<void> {
  const count = await db.$executeRaw`
    UPDATE "OpenStream" s SET "endRequestedAt" = clock_timestamp()
    FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
    WHERE s."id" = ${connectionId}::uuid AND e."id" = s."endpointId" AND p."ownerId" = ${ownerId}::uuid`;
  if (count === 0) throw new AppError("not_found");
  endHere(connectionId, new AppError("disconnected"));
}
