/** Reads the latest records of an endpoint, as examples. */
import type { GridPage } from "@/src/shared/management/schemas";
import { requestJson } from "../../api/request";

/** The data of up to `limit` records that were sent as JSON or text, latest first; what files are described by is left out. Raises RequestError. */
export async function readLatestData(endpointId: string, limit: number): Promise<unknown[]> {
  const { records } = await requestJson<GridPage>(`endpoints/${endpointId}/records?limit=${limit}`);
  return records.filter(({ contentType }) => contentType !== "file").map(({ data }) => data);
}
