/** The operations of an API document. Each line opens to the documentation and a form, which are rendered when it is first opened. */
"use client";

import { useState } from "react";
import type { ApiDocument, HttpMethod, ListedOperation } from "@/src/shared/openapi";
import type { CallContext } from "./call";
import { OperationView } from "./operation-view";
import { Prose } from "./prose";

const TONES: Record<HttpMethod, string> = {
  get: "text-text",
  post: "text-create",
  put: "text-update",
  patch: "text-update",
  delete: "text-delete",
};

export function OperationList({
  document,
  operations,
  context,
  basePath,
}: {
  document: ApiDocument;
  operations: readonly ListedOperation[];
  context: CallContext;
  /** The common start of all paths, which is not displayed. */
  basePath: string;
}) {
  return (
    <div className="flex flex-col divide-y divide-line rounded-md border border-line bg-surface">
      {operations.map((listed) => (
        <Operation key={listed.operation.operationId} document={document} listed={listed} context={context} basePath={basePath} />
      ))}
    </div>
  );
}

function Operation({
  document,
  listed,
  context,
  basePath,
}: {
  document: ApiDocument;
  listed: ListedOperation;
  context: CallContext;
  basePath: string;
}) {
  // Stays mounted after the first opening, so that filled-in values are kept.
  const [wasOpened, setWasOpened] = useState(false);
  const { method, operation } = listed;
  const path = listed.path.slice(basePath.length);
  return (
    <details
      className="group min-w-0"
      onToggle={(event) => {
        if (event.currentTarget.open) setWasOpened(true);
      }}
    >
      <summary className="relative flex min-h-row list-none flex-wrap items-baseline gap-x-4 gap-y-0.5 py-2 pr-8 pl-3 transition-colors duration-[120ms] hover:bg-hover focus-visible:-outline-offset-2 [&::-webkit-details-marker]:hidden">
        <span className={`w-14 shrink-0 font-mono text-data leading-5 font-medium ${TONES[method]}`}>{method.toUpperCase()}</span>
        {path ? <span className="min-w-0 font-mono text-data leading-5 wrap-anywhere">{path}</span> : null}
        <span className={`min-w-48 flex-1 max-md:basis-full ${path ? "text-muted" : ""}`}>
          <Prose text={operation.summary} inline />
        </span>
        <span aria-hidden="true" className="absolute top-2 right-3 text-muted transition-[rotate] duration-[120ms] group-open:rotate-90">
          ›
        </span>
      </summary>
      {wasOpened ? <OperationView document={document} listed={listed} context={context} /> : null}
    </details>
  );
}
