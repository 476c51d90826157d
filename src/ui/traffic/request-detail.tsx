/** All that the log has of a request, and the changes that it wrote. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import type { RequestView } from "@/src/shared/management/traffic";
import { CopyButton } from "../components/copy-button";
import { formatBytes } from "../format/format-number";
import { formatAbsolute } from "../format/format-time";
import { formatLatency } from "./format-traffic";
import type { RequestFilter } from "./traffic-queries";
import { writtenChangeQuery } from "./traffic-queries";

/** How many changes of one request are shown. */
const CHANGES_MAX = 5;

export function RequestDetail({
  projectId,
  request,
  onFilter,
}: {
  projectId: string;
  request: RequestView;
  onFilter: (change: Partial<RequestFilter>) => void;
}) {
  const { requestId, at, path, method, status, code, detail, durationMs, bytesIn, bytesOut, origin, address, key, keyId } = request;
  return (
    <div className="flex flex-col gap-4 border-t border-line bg-inset px-5 py-4">
      {detail ? <p className="text-prose wrap-anywhere">{detail}</p> : null}
      <dl className="grid grid-cols-[max-content_1fr] gap-x-6 gap-y-1.5 max-sm:grid-cols-1 max-sm:gap-y-0.5">
        <Fact label="Request">
          <code className="text-data wrap-anywhere">
            {method} {path}
          </code>
        </Fact>
        <Fact label="Request ID">
          <span className="inline-flex items-center gap-1">
            <code className="text-data wrap-anywhere">{requestId}</code>
            <CopyButton text={requestId} what="the request ID" />
          </span>
        </Fact>
        <Fact label="Time">
          {formatAbsolute(at)}, answered in {formatLatency(durationMs)}
        </Fact>
        <Fact label="Result">
          <Filter label={`status ${status}`} onClick={() => onFilter({ status: String(status) })} />
          {code === null ? null : (
            <>
              {" "}
              <Filter label={code} onClick={() => onFilter({ code })} />
            </>
          )}
        </Fact>
        <Fact label="Key">
          {key === null || keyId === null ? "None, or deleted" : <Filter label={key} onClick={() => onFilter({ keyId })} />}
        </Fact>
        <Fact label="From">
          {address}
          {origin === null ? ", no origin" : `, ${origin}`}
        </Fact>
        <Fact label="Size">
          {formatBytes(bytesIn)} in, {formatBytes(bytesOut)} out
        </Fact>
      </dl>
      <Changes projectId={projectId} request={request} />
    </div>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0 wrap-anywhere max-sm:pb-1.5">{children}</dd>
    </>
  );
}

function Filter({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" onClick={onClick} className="rounded-sm text-focus underline underline-offset-2 wrap-anywhere">
      {label}
      <span className="sr-only">: show only these requests</span>
    </button>
  );
}

function Changes({ projectId, request: { endpointId, endpoint, seqs } }: { projectId: string; request: RequestView }) {
  if (seqs.length === 0) return null;
  return (
    <section aria-label="Changes of this request" className="flex flex-col gap-2">
      <h3 className="font-medium">{seqs.length === 1 ? "The change that it wrote" : `The ${seqs.length} changes that it wrote`}</h3>
      {endpoint === null ? <p className="text-muted">Their endpoint was deleted.</p> : null}
      {endpoint === null ? null : (
        <ul className="flex flex-col gap-2">
          {seqs.slice(0, CHANGES_MAX).map((seq) => (
            <WrittenChange key={seq} projectId={projectId} endpointId={endpointId} seq={seq} />
          ))}
        </ul>
      )}
      {seqs.length > CHANGES_MAX ? <p className="text-muted">and {seqs.length - CHANGES_MAX} more.</p> : null}
    </section>
  );
}

function WrittenChange({ projectId, endpointId, seq }: { projectId: string; endpointId: string; seq: number }) {
  const { data: change, error } = useQuery(writtenChangeQuery(endpointId, seq));
  return (
    <li className="flex min-w-0 flex-col gap-1 rounded-md border border-line bg-surface px-3 py-2">
      <p className="flex flex-wrap gap-x-3">
        <span className="font-mono text-data">
          #{seq} {change?.type ?? ""}
        </span>
        {change ? (
          <Link
            href={`/p/${projectId}/endpoints/${endpointId}/live?q=${change.record.uniqueId}`}
            className="font-mono text-data wrap-anywhere"
          >
            {change.record.uniqueId}
            <span className="sr-only">: show its changes in the console</span>
          </Link>
        ) : null}
      </p>
      {change ? (
        <code className="line-clamp-4 text-data text-muted wrap-anywhere">{change.data}</code>
      ) : (
        <p className="text-muted">{error ? error.message : change === null ? "The log no longer has this change." : "Loading…"}</p>
      )}
    </li>
  );
}
