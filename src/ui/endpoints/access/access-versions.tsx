/** Earlier versions of an endpoint's access: who saved them and when, what differs, and the way back. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { AccessVersions as Versions } from "@/src/shared/management/access";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { accessVersionsQuery, endpointQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Panel, Section } from "../../components/page/page";
import { ProblemPanel } from "../../components/page/problem-panel";
import { RelativeTime } from "../../components/relative-time";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { notify } from "../../notifications/notify";
import { toTexts } from "./access-texts";
import { type DiffLine, diffLines, shorten, toVersionLines } from "./version-lines";

type Version = Versions["versions"][number];

const SHOWN_FIRST = 5;

export function AccessVersions({ endpoint, hasChanges }: { endpoint: EndpointDetail; hasChanges: boolean }) {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(accessVersionsQuery(endpoint.id));
  const [showsAll, setShowsAll] = useState(false);
  const restore = useAction<Version>(async ({ number }) => {
    const body = { number };
    const stored = await requestJson<EndpointDetail>(`endpoints/${endpoint.id}/access-versions`, { method: "POST", body });
    client.setQueryData(endpointQuery(endpoint.id).queryKey, stored);
    await client.invalidateQueries({ queryKey: accessVersionsQuery(endpoint.id).queryKey });
    notify(`Went back to version ${number}.`);
  });
  const versions = data?.versions ?? [];
  const shown = showsAll ? versions : versions.slice(0, SHOWN_FIRST);
  return (
    <Section title="Versions" note="Each save of the rules or the function is a version. The newest 50 are kept.">
      {data ? (
        versions.length === 0 ? (
          <p className="text-muted">No versions yet.</p>
        ) : (
          <>
            <FormFailure failure={restore.failure} />
            {hasChanges && versions.length > 1 ? (
              <p className="text-muted">To go back to a version, save or discard your changes first.</p>
            ) : null}
            <Panel padded={false}>
              <ul className="divide-y">
                {shown.map((version, index) => (
                  <VersionRow
                    key={version.number}
                    version={version}
                    compared={index === 0 ? versions[1] : versions[0]}
                    isCurrent={index === 0}
                    disabled={hasChanges || restore.pending}
                    onRestore={() => restore.run(version)}
                  />
                ))}
              </ul>
            </Panel>
            {versions.length > shown.length ? (
              <div>
                <Button onClick={() => setShowsAll(true)}>Show all {versions.length} versions</Button>
              </div>
            ) : null}
          </>
        )
      ) : error ? (
        <ProblemPanel what="Couldn’t load the versions." error={error} onRetry={refetch} />
      ) : (
        <p className="text-muted">Loading…</p>
      )}
    </Section>
  );
}

function VersionRow({
  version,
  compared,
  isCurrent,
  disabled,
  onRestore,
}: {
  version: Version;
  /** The version to compare with: of the current one, the one before; of others, the current one. */
  compared: Version | undefined;
  isCurrent: boolean;
  disabled: boolean;
  onRestore: () => void;
}) {
  const [isOpen, setIsOpen] = useState(false);
  const lines = toVersionLines(toTexts(version));
  const other = compared ? toVersionLines(toTexts(compared)) : [];
  return (
    <li className="flex flex-col gap-3 px-5 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="flex min-w-0 flex-wrap items-center gap-x-2.5 gap-y-1">
          <span className="font-medium">Version {version.number}</span>
          {isCurrent ? <Badge tone="live">Active</Badge> : null}
          <span className="text-muted wrap-anywhere">
            <RelativeTime time={version.createdAt} /> by {version.author?.name ?? "a deleted account"}
          </span>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button
            tone="quiet"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? "Hide" : "Show"} difference of version ${version.number}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            {isOpen ? "Hide difference" : "Show difference"}
          </Button>
          {isCurrent ? null : (
            <Button disabled={disabled} aria-label={`Go back to version ${version.number}`} onClick={onRestore}>
              Go back
            </Button>
          )}
        </div>
      </div>
      {isOpen ? (
        <Difference
          caption={
            isCurrent
              ? compared
                ? `What version ${version.number} changed`
                : `Version ${version.number}`
              : `What going back to version ${version.number} changes`
          }
          lines={diffLines(other, lines)}
        />
      ) : null}
    </li>
  );
}

const MARKS = {
  same: { sign: " ", word: "", className: "text-muted" },
  added: { sign: "+", word: "Added: ", className: "text-create" },
  removed: { sign: "−", word: "Removed: ", className: "text-delete" },
} as const;

function Difference({ caption, lines }: { caption: string; lines: readonly DiffLine[] }) {
  const isEqual = lines.every(({ kind }) => kind === "same");
  return (
    <figure className="flex min-w-0 flex-col gap-1.5">
      <figcaption className="text-muted">{isEqual ? "There is no difference." : `${caption}:`}</figcaption>
      {isEqual ? null : (
        <div className="rounded-md border border-line bg-inset p-3 font-mono text-data leading-5">
          {shorten(lines).map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines never move
            <div key={index} className={line ? `flex gap-2 ${MARKS[line.kind].className}` : "text-muted"}>
              {line ? (
                <>
                  <span aria-hidden="true" className="w-2 shrink-0">
                    {MARKS[line.kind].sign}
                  </span>
                  <span className="min-w-0 wrap-anywhere whitespace-pre-wrap">
                    <span className="sr-only">{MARKS[line.kind].word}</span>
                    {line.text}
                  </span>
                </>
              ) : (
                "⋯"
              )}
            </div>
          ))}
        </div>
      )}
    </figure>
  );
}
