/** Shown instead of the list if all changes of the endpoint have expired: its stored records, so that it does not look new. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import type { GridRow } from "../../api/record-rows";
import { ORDER_DEFAULT } from "../../api/record-rows";
import { readPage } from "../../api/records";
import { ButtonLink } from "../../components/button-link";
import { formatPlural } from "../../format/format-number";
import { formatTime } from "../../format/format-time";
import { toCompactText } from "../../json/json-print";
import { parseStored } from "../../json/json-tree";

const RECORDS_SHOWN = 20;
const PREVIEW_LENGTH_MAX = 200;
/** Longer data is not parsed. The line shows the start of the text instead. */
const PARSED_LENGTH_MAX = 64 * 1024;

interface Props {
  projectId: string;
  endpoint: Pick<EndpointDetail, "id" | "kind" | "recordCount">;
}

export function StoredRecords({ projectId, endpoint: { id, kind, recordCount } }: Props) {
  const query = { search: "", filters: [], order: ORDER_DEFAULT };
  const { data, error } = useQuery({
    queryKey: ["stored-records", id, recordCount],
    queryFn: ({ signal }) => readPage({ endpointId: id, query, cursor: null, limit: RECORDS_SHOWN, signal }),
    enabled: recordCount > 0,
    placeholderData: (previous) => previous,
  });
  const rows = data?.rows ?? [];
  const place = `/p/${projectId}/endpoints/${id}/${kind === "authentication" ? "users" : "records"}`;
  const stored = formatPlural(recordCount, kind === "authentication" ? "user" : "record");
  return (
    <div className="flex flex-1 flex-col items-center overflow-y-auto px-4 py-6">
      <div className="flex w-full max-w-[44rem] flex-col gap-4">
        <div className="flex flex-wrap items-start justify-between gap-3">
          <div className="min-w-0">
            <h2 className="text-title font-semibold">No recent changes</h2>
            <p className="pt-1 text-prose text-muted">
              {recordCount > 0 ? `${stored} stored.` : "No records are stored."} Older changes have expired. New changes will appear here
              immediately.
            </p>
          </div>
          {recordCount > 0 ? <ButtonLink href={place}>Open {kind === "authentication" ? "users" : "records"}</ButtonLink> : null}
        </div>
        {error ? (
          <p role="alert" className="text-delete">
            {error.message}
          </p>
        ) : null}
        {rows.length > 0 ? (
          <ul aria-label="Stored records, newest first" className="divide-y divide-line border-y border-line">
            {rows.map((row) => (
              <Line key={row.id} row={row} />
            ))}
          </ul>
        ) : null}
        {rows.length > 0 && recordCount > rows.length ? (
          <p className="text-muted">
            The newest {rows.length} of {recordCount.toLocaleString("en")}. <Link href={place}>Show all</Link>
          </p>
        ) : null}
      </div>
    </div>
  );
}

function Line({ row }: { row: GridRow }) {
  return (
    <li className="flex min-w-0 items-baseline gap-3 py-1.5 font-mono text-data">
      <span className="shrink-0 text-muted">{row.id.slice(-8)}</span>
      <span className="min-w-0 flex-1 truncate">{toPreview(row.data)}</span>
      <time dateTime={row.updatedAt} className="shrink-0 text-muted max-sm:hidden">
        {formatTime(row.updatedAt)}
      </time>
    </li>
  );
}

function toPreview(data: string): string {
  if (data.length > PARSED_LENGTH_MAX) return `${data.slice(0, PREVIEW_LENGTH_MAX).replace(/\s+/g, " ")}…`;
  return toCompactText(parseStored(data), PREVIEW_LENGTH_MAX);
}
