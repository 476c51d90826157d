/** Adds users of an application, and reads their records, through the management API. */

import { queryOptions } from "@tanstack/react-query";
import type { AppUserView } from "@/src/shared/management/schemas";
import { fetchManage } from "../api/fetch-manage";
import { type GridRow, ORDER_DEFAULT } from "../api/record-rows";
import { readPage } from "../api/records";
import { requestJson } from "../api/request";
import { readJson } from "../api/request-error";
import { parseStored } from "../json/json-tree";

export interface NewUser {
  nameField: "email" | "username";
  name: string;
  /** Undefined: the user is invited by e-mail. */
  password: string | undefined;
  /** The JSON text of an object with the other fields. */
  fields: string;
}

/** Sent as text, so that digits stay as typed. */
export async function createUser(endpointId: string, { nameField, name, password, fields }: NewUser): Promise<AppUserView> {
  const node = parseStored(fields);
  const rest = node.kind === "object" && node.entries.length > 0 ? `,${fields.slice(node.start + 1, node.end)}` : "}";
  const how = password === undefined ? '"invite":true' : `"password":${JSON.stringify(password)}`;
  const body = `{"data":{"${nameField}":${JSON.stringify(name.trim())}${rest},${how}}`;
  return readJson<AppUserView>(
    await fetchManage(`endpoints/${endpointId}/users`, { method: "POST", body, headers: { "Content-Type": "application/json" } }),
  );
}

export function sendPasswordEmail(endpointId: string, userId: string): Promise<unknown> {
  return requestJson(`endpoints/${endpointId}/users/${userId}/password-email`, { method: "POST" });
}

/** The records of up to 100 users by their ids, for columns of their fields. */
export const userRecordsQuery = (endpointId: string, ids: readonly string[]) =>
  queryOptions({
    queryKey: ["users", endpointId, "records", ids],
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, GridRow>> => {
      if (ids.length === 0) return new Map();
      const query = { search: "", filters: [], order: ORDER_DEFAULT };
      const { rows } = await readPage({ endpointId, query, cursor: null, uniqueIds: ids, signal });
      return new Map(rows.map((row) => [row.id, row]));
    },
    structuralSharing: false,
  });
