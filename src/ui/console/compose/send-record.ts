/** Sends the composer's request through the management API (G7). Bodies are sent as typed, which preserves digits and key order. */
import { PUT_STRATEGIES, type PutStrategy } from "@/src/shared/streams/protocol";
import { fetchManage } from "../../api/fetch-manage";
import { readJson } from "../../api/request-error";
import { type CurlRequest, type Target, toHttpUrl } from "../../snippets/snippets";

export const METHODS = ["POST", "PUT", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

export interface Draft {
  method: Method;
  /** For PUT and DELETE. */
  recordId: string;
  /** For PUT. */
  strategy: PutStrategy;
  format: "json" | "text";
  body: string;
}

export const STRATEGIES: readonly PutStrategy[] = PUT_STRATEGIES;

export interface Sent {
  status: number;
  durationMs: number;
  recordId: string;
  /** The response, as JSON text. */
  text: string;
  /** The record's version after the write. */
  version: number | undefined;
  /** By which the server's logs name the request. */
  requestId: string | undefined;
}

/** Throws RequestError. */
export async function sendDraft(endpointId: string, draft: Draft): Promise<Sent> {
  const startMs = performance.now();
  const records = `endpoints/${endpointId}/records`;
  const path = draft.method === "POST" ? records : `${records}/${draft.recordId}`;
  const response = await fetchManage(draft.method === "PUT" ? `${path}?strategy=${draft.strategy}` : path, {
    method: draft.method,
    ...(draft.method === "DELETE" ? {} : { body: draft.body, headers: { "Content-Type": toContentType(draft) } }),
  });
  const durationMs = Math.round(performance.now() - startMs);
  const [, version] = /^(?:W\/)?"(\d+)/.exec(response.headers.get("etag") ?? "") ?? [];
  const copy = response.clone();
  const { uniqueId } = await readJson<{ uniqueId: string }>(response);
  return {
    status: response.status,
    durationMs,
    recordId: uniqueId,
    text: await copy.text(),
    version: version === undefined ? undefined : Number(version),
    requestId: response.headers.get("x-request-id") ?? undefined,
  };
}

/** The same request, to the public endpoint. */
export function toDraftRequest(draft: Draft, target: Target): CurlRequest {
  const { method, recordId, strategy, body } = draft;
  const name = method === "POST" ? "" : `&uniqueId=${recordId || "<id>"}`;
  const how = method === "PUT" && strategy !== "force" ? `&strategy=${strategy}` : "";
  return {
    method,
    url: `${toHttpUrl(target)}${name}${how}`,
    ...(method === "DELETE" ? {} : { body: { content: body, contentType: toContentType(draft) } }),
  };
}

function toContentType({ format }: Draft): string {
  return format === "json" ? "application/json" : "text/plain";
}
