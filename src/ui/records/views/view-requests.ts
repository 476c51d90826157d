/** Saved views of an endpoint's records, through the management API. */
import { queryOptions } from "@tanstack/react-query";
import type { RecordView, RecordViewInput, RecordViewPatch } from "@/src/shared/management/record-views";
import { requestJson } from "../../api/request";

export const recordViewsQuery = (endpointId: string) =>
  queryOptions({
    queryKey: ["record-views", endpointId],
    queryFn: ({ signal }) => requestJson<RecordView[]>(`endpoints/${endpointId}/views`, { signal }),
  });

export function createView(endpointId: string, body: RecordViewInput): Promise<RecordView> {
  return requestJson<RecordView>(`endpoints/${endpointId}/views`, { method: "POST", body });
}

export function updateView(endpointId: string, id: string, body: RecordViewPatch): Promise<RecordView> {
  return requestJson<RecordView>(`endpoints/${endpointId}/views/${id}`, { method: "PATCH", body });
}

export function deleteView(endpointId: string, id: string): Promise<unknown> {
  return requestJson(`endpoints/${endpointId}/views/${id}`, { method: "DELETE" });
}
