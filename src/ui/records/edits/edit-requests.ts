/** Changes fields of several records through the management API, as text, which preserves digits. */
import type { EditError, RecordsUpdated } from "@/src/shared/management/record-edits";
import { fetchManage } from "../../api/fetch-manage";
import { type GridRow, parseGridRecord } from "../../api/record-rows";
import { readJson } from "../../api/request-error";
import { getMember, type JsonNode, parseJson } from "../../json/json-tree";

/** The outcome for one record. */
export interface EditedRecord {
  uniqueId: string;
  outcome: string;
  /** As it is now. Null: it does not exist. */
  record: GridRow | null;
  error: EditError | null;
}

const BATCH = 100;

/** `toBody`: the JSON text of a request for some of the records. The results are in the order of the records. */
export async function sendEdits<Item>(
  endpointId: string,
  items: readonly Item[],
  toBody: (batch: readonly Item[]) => string,
): Promise<EditedRecord[]> {
  const results: EditedRecord[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    const body = toBody(items.slice(start, start + BATCH));
    const text = await (await fetchManage(`endpoints/${endpointId}/records/edit`, toInit(body))).text();
    results.push(...readItems(text, "results").map((item) => toEdited(text, item)));
  }
  return results;
}

function toEdited(text: string, item: JsonNode): EditedRecord {
  const record = getMember(item, "record");
  return {
    uniqueId: getString(item, "uniqueId"),
    outcome: getString(item, "outcome"),
    record: record?.kind === "object" ? parseGridRecord(text.slice(record.start, record.end)) : null,
    error: toError(text, getMember(item, "error")),
  };
}

/** The effect that a change would have on a record. `before`, `after`: JSON texts. */
export interface PreviewedRecord {
  uniqueId: string;
  before: string;
  after: string | undefined;
  error: EditError | null;
}

/** `body`: the JSON text of the request. `matching`: null if counting takes too long. */
export async function previewUpdate(endpointId: string, body: string): Promise<{ matching: number | null; first: PreviewedRecord[] }> {
  const text = await (await fetchManage(`endpoints/${endpointId}/records/update/preview`, toInit(body))).text();
  const slice = (node: JsonNode | undefined) => (node ? text.slice(node.start, node.end) : undefined);
  const parsed = parseJson(text);
  const matching = parsed.ok ? getMember(parsed.node, "matching") : undefined;
  return {
    matching: matching?.kind === "number" ? Number(matching.text) : null,
    first: readItems(text, "first").map((item) => ({
      uniqueId: getString(item, "uniqueId"),
      before: slice(getMember(item, "before")) ?? "null",
      after: slice(getMember(item, "after")),
      error: toError(text, getMember(item, "error")),
    })),
  };
}

/** Changes one batch. */
export async function updateBatch(endpointId: string, body: string): Promise<RecordsUpdated> {
  return readJson<RecordsUpdated>(await fetchManage(`endpoints/${endpointId}/records/update`, toInit(body)));
}

function toInit(body: string): RequestInit {
  return { method: "POST", body, headers: { "Content-Type": "application/json" } };
}

function readItems(text: string, key: string): readonly JsonNode[] {
  const parsed = parseJson(text);
  const list = parsed.ok ? getMember(parsed.node, key) : undefined;
  if (list?.kind !== "array") throw new Error("The response has an unknown form.");
  return list.items;
}

function toError(text: string, node: JsonNode | undefined): EditError | null {
  return node?.kind === "object" ? JSON.parse(text.slice(node.start, node.end)) : null;
}

function getString(node: JsonNode, key: string): string {
  const member = getMember(node, key);
  return member?.kind === "string" ? member.value : "";
}
