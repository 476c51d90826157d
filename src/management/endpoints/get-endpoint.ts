/** Reads one endpoint of an account, with its number of records (G4, G6). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { toEndpointDetail } from "../views";
import { readEndpoints } from "./read-endpoints";

/** Raises `not_found`. `countSubscribers` tells the open streams of an endpoint on this server. */
export async function getEndpoint({
  db,
  countSubscribers,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "$queryRaw">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  endpointId: string;
}): Promise<EndpointDetail> {
  const [row] = await readEndpoints({ db, ownerId, endpointId });
  if (!row) throw new AppError("not_found");
  return toEndpointDetail(row, countSubscribers(endpointId));
}
