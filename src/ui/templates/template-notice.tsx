/** Shown above the console after a template was used: a curl command, and the example page to download or copy. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { findTemplate, type TemplateId } from "@/src/shared/text/templates";
import { endpointQuery, keysQuery, projectQuery } from "../api/queries";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { CopyButton } from "../components/copy-button";
import { saveFile } from "../components/save-file";
import { KEY_PLACEHOLDER, preferredKey } from "../snippets/choose-target";
import { type Target, toCurl, toHttpUrl } from "../snippets/snippets";

interface Props {
  template: TemplateId;
  projectId: string;
  endpointId: string;
  origin: string;
}

export function TemplateNotice({ template, projectId, endpointId, origin }: Props) {
  const router = useRouter();
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const { label, sample } = findTemplate(template);
  const target = { origin, endpointName: endpoint?.name ?? "", key: preferredKey(keys, Date.now())?.key ?? KEY_PLACEHOLDER };
  const body = { content: JSON.stringify(sample), contentType: "application/json" };
  const curl = toCurl({ method: "POST", url: toHttpUrl(target), body }).replace("--data-binary", "-d");
  const close = () => router.replace(`/p/${projectId}/endpoints/${endpointId}/live`);
  return (
    <section
      aria-label={`Template ${label}`}
      className="flex max-h-[60%] shrink-0 flex-col gap-3 overflow-y-auto border-b border-line bg-surface px-4 py-3"
    >
      <div className="flex items-start justify-between gap-4">
        <p className="max-w-[44rem] text-prose">
          The template <strong className="font-semibold">{label}</strong> is ready, with a schema and sample records. Paste the command into
          a terminal, or open the example page: the console shows each change.
        </p>
        <Button tone="quiet" square aria-label="Close the notice" onClick={close}>
          <X className="size-4" aria-hidden="true" />
        </Button>
      </div>
      <div className="max-w-[52rem]">
        <CodeBlock code={curl} what="the curl command" />
      </div>
      <PageActions template={template} target={target} />
      <OriginNote projectId={projectId} />
    </section>
  );
}

/** The page is prepared before it is asked for: browsers copy only in response to a click. */
function PageActions({ template, target }: { template: TemplateId; target: Target }) {
  const [page, setPage] = useState<string>();
  const { origin, endpointName, key } = target;
  useEffect(() => {
    let isCurrent = true;
    void import("./pages/to-example-page").then(({ toExamplePage }) => {
      if (isCurrent) setPage(toExamplePage(template, { origin, endpointName, key }));
    });
    return () => {
      isCurrent = false;
    };
  }, [template, origin, endpointName, key]);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button
        tone="primary"
        onClick={() => {
          if (page !== undefined) saveFile(new Blob([page], { type: "text/html" }), `${template}.html`);
        }}
      >
        Download example page
      </Button>
      <CopyButton text={page ?? ""} what="the example page" bordered>
        Copy its HTML
      </CopyButton>
    </div>
  );
}

/** Whether the page works when it is opened from a file (U4). */
function OriginNote({ projectId }: { projectId: string }) {
  const { data: project } = useQuery(projectQuery(projectId));
  if (!project) return null;
  const settings = (
    <Link href={`/p/${projectId}/settings`} className="text-focus underline underline-offset-2">
      project’s settings
    </Link>
  );
  if (project.allowedOrigins.length === 0 || project.allowNullOrigin)
    return (
      <p className="max-w-[52rem] text-muted">
        Open the downloaded file in a browser. A page from a file has the origin <code className="text-data text-text">null</code>, which
        this project accepts. If you list origins in the {settings}, publish the page on one of them. The file contains the key, which is
        public, but no password.
      </p>
    );
  return (
    <p className="max-w-[52rem] text-warn">
      This project accepts only the origins in its list, so the page does not work when it is opened from a file. Publish it on one of{" "}
      {project.allowedOrigins.join(", ")}, or allow the origin <code className="text-data">null</code> in the {settings}.
    </p>
  );
}
