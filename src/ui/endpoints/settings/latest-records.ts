/** Reads the latest records of an endpoint as examples for schemas. */
import type { GridPage } from "@/src/shared/management/schemas";
import { requestJson } from "../../api/request";

/** The data of the latest JSON and text records among the latest `limit` records, newest first, without files. Throws RequestError. */
export async function readLatestData(endpointId: string, limit: number): Promise<unknown[]> {
  const { records } = await requestJson<GridPage>(`endpoints/${endpointId}/records?limit=${limit}`);
  return records.filter(({ contentType }) => contentType !== "file").map(({ data }) => data);
}
