/** The versions of a record that the log still has: any two compared, and one restored. */
"use client";

import { type InfiniteData, infiniteQueryOptions, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { memo, type RefObject, useId, useMemo, useState } from "react";
import { createRecord, replaceRecord } from "../../api/records";
import { RequestError, readProblem, toUnreachable } from "../../api/request-error";
import { Button } from "../../components/button";
import { CONTROL } from "../../components/field";
import { ProblemPanel } from "../../components/page/problem-panel";
import { Spinner } from "../../components/spinner";
import { formatClock, formatDate } from "../../format/format-time";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { diffJson } from "../../json/json-diff";
import { parseStored } from "../../json/json-tree";
import { JsonView } from "../../json/json-view";
import { notify } from "../../notifications/notify";
import { OPERATION_STYLES, type Operation } from "../../stream/operations";
import { isMarkKind, type StreamEvent } from "../../stream/stream-event";
import { type LogPage, parseLogPage } from "../../stream/stream-message";
import { ChangeList } from "./change-list";

const PAGE = 50;
const CHANGES_MAX = 500;

const historyQuery = (endpointId: string, recordId: string) =>
  infiniteQueryOptions<LogPage, Error, InfiniteData<LogPage>, readonly unknown[], number | undefined>({
    queryKey: ["history", endpointId, recordId],
    queryFn: ({ pageParam, signal }) => readVersions(endpointId, recordId, pageParam, signal),
    initialPageParam: undefined,
    getNextPageParam: ({ more, events }) => (more ? events.at(-1)?.seq : undefined),
    staleTime: 0,
  });

async function readVersions(endpointId: string, recordId: string, before: number | undefined, signal: AbortSignal): Promise<LogPage> {
  const path = `/api/manage/endpoints/${endpointId}/changes?limit=${PAGE}&recordId=${recordId}${before === undefined ? "" : `&before=${before}`}`;
  const response = await fetch(path, { cache: "no-store", signal }).catch((error: unknown) => {
    throw signal.aborted ? error : toUnreachable();
  });
  if (!response.ok) throw await readProblem(response);
  return parseLogPage(await response.text());
}

/** Moves to an older (1) or newer (−1) version. */
export type StepVersion = (by: number) => void;

interface Props {
  endpointId: string;
  /** The selected change. */
  event: StreamEvent;
  /** False if the records of this endpoint cannot be restored here. */
  canRestore: boolean;
  /** Set to the function that steps through the versions, for the keyboard shortcuts. */
  stepRef: RefObject<StepVersion | undefined>;
}

export const HistoryView = memo(function HistoryView({ endpointId, event, canRestore, stepRef }: Props) {
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery(
    historyQuery(endpointId, event.recordId),
  );
  const versions = useMemo(() => data?.pages.flatMap(({ events }) => events) ?? [], [data]);
  const [chosenSeq, setChosenSeq] = useState(event.seq);
  const [baseSeq, setBaseSeq] = useState<number>();
  const [shownFor, setShownFor] = useState(event.seq);
  if (shownFor !== event.seq) {
    setShownFor(event.seq);
    setChosenSeq(event.seq);
    setBaseSeq(undefined);
  }
  const at = Math.max(
    0,
    versions.findIndex(({ seq }) => seq === chosenSeq),
  );
  const chosen = versions[at];
  stepRef.current = (by) => {
    const next = versions[at + by];
    if (next) setChosenSeq(next.seq);
    else if (by > 0 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  };
  if (error) return <ProblemPanel what="Couldn’t load the history." error={error} onRetry={() => void refetch()} />;
  if (!data) return <Spinner />;
  if (!chosen) return <p className="text-muted">The log no longer has versions of this record.</p>;
  const newest = versions[0] ?? chosen;
  const base = versions.find(({ seq }) => seq === baseSeq) ?? versions[at + 1];
  return (
    <div className="flex flex-col gap-4">
      <ol aria-label="Versions, newest first" className="flex max-h-56 flex-col overflow-y-auto rounded-md border border-line">
        {versions.map((version) => (
          <Version
            key={version.seq}
            version={version}
            isChosen={version === chosen}
            isNewest={version === newest}
            onChoose={setChosenSeq}
          />
        ))}
        {hasNextPage ? (
          <li className="p-1">
            <Button tone="quiet" busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              Load older versions
            </Button>
          </li>
        ) : null}
      </ol>
      <Comparison chosen={chosen} base={base} versions={versions} onBase={setBaseSeq} />
      {canRestore ? (
        <Restore
          key={`${chosen.seq} ${newest.seq}`}
          endpointId={endpointId}
          chosen={chosen}
          newest={newest}
          onReload={() => void refetch()}
        />
      ) : null}
    </div>
  );
});

function toName({ version, seq }: StreamEvent): string {
  return version === undefined ? `seq ${seq}` : `version ${version}`;
}

function Version({
  version,
  isChosen,
  isNewest,
  onChoose,
}: {
  version: StreamEvent;
  isChosen: boolean;
  isNewest: boolean;
  onChoose: (seq: number) => void;
}) {
  const operation = toOperation(version);
  return (
    <li className="border-line not-first:border-t">
      <button
        type="button"
        aria-pressed={isChosen}
        onClick={() => onChoose(version.seq)}
        className={`flex min-h-8 w-full items-center gap-3 px-3 text-left text-data focus-visible:-outline-offset-2 pointer-coarse:min-h-11 ${isChosen ? "bg-selected" : "hover:bg-hover"}`}
      >
        <span className={`w-3 font-mono ${operation ? OPERATION_STYLES[operation].colour : ""}`} aria-hidden="true">
          {operation ? OPERATION_STYLES[operation].glyph : ""}
        </span>
        <span className="min-w-0 flex-1 truncate">
          <span className="font-medium first-letter:uppercase">{toName(version)}</span>
          <span className="text-muted">
            {" "}
            · {version.kind}
            {isNewest ? " · newest" : ""}
          </span>
        </span>
        <Moment ms={version.atMs} />
      </button>
    </li>
  );
}

function Moment({ ms }: { ms: number }) {
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={iso} className="shrink-0 text-muted">
      {formatDate(iso)}, <span className="font-mono">{formatClock(ms)}</span>
    </time>
  );
}

function toOperation({ kind }: StreamEvent): Operation | undefined {
  return kind === "resumed" || kind === "gap" ? undefined : kind;
}

function Comparison({
  chosen,
  base,
  versions,
  onBase,
}: {
  chosen: StreamEvent;
  base: StreamEvent | undefined;
  versions: readonly StreamEvent[];
  onBase: (seq: number | undefined) => void;
}) {
  const id = useId();
  const node = useMemo(() => parseStored(chosen.data), [chosen.data]);
  const changes = useMemo(() => (base ? diffJson(parseStored(base.data), node, CHANGES_MAX) : []), [base, node]);
  return (
    <section aria-labelledby={`${id}-title`} className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <h3 id={`${id}-title`} className="font-medium first-letter:uppercase">
          {toName(chosen)}
        </h3>
        {base ? (
          <>
            <label htmlFor={id} className="text-muted">
              compared with
            </label>
            <select
              id={id}
              value={base.seq}
              onChange={({ target }) => onBase(Number(target.value))}
              className={`${CONTROL} h-control w-auto! px-2`}
            >
              {versions
                .filter(({ seq }) => seq !== chosen.seq)
                .map((version) => (
                  <option key={version.seq} value={version.seq}>
                    {toName(version)}
                  </option>
                ))}
            </select>
          </>
        ) : null}
      </div>
      {base && changes.length > 0 ? <ChangeList changes={changes} /> : null}
      {base && changes.length === 0 ? <p className="text-muted">Both versions have the same data.</p> : null}
      {base ? null : (
        <>
          <p className="text-muted">{chosen.kind === "create" ? "The first version." : "Earlier versions are no longer in the log."}</p>
          <JsonView node={node} />
        </>
      )}
    </section>
  );
}

/** Writes a version back, on the condition that the newest version is the one shown here. */
function Restore({
  endpointId,
  chosen,
  newest,
  onReload,
}: {
  endpointId: string;
  chosen: StreamEvent;
  newest: StreamEvent;
  onReload: () => void;
}) {
  const queries = useQueryClient();
  const [asks, setAsks] = useState(false);
  const [isStale, setIsStale] = useState(false);
  const isDeleted = newest.kind === "delete";
  const { run, pending, failure } = useAction(async () => {
    const draft = { contentType: "json", text: chosen.data } as const;
    try {
      if (isDeleted) await createRecord(endpointId, draft);
      else await replaceRecord(endpointId, { id: chosen.recordId, version: newest.version ?? 0, owner: null }, draft);
    } catch (error) {
      if (!(error instanceof RequestError) || (error.code !== "version_conflict" && error.code !== "record_not_found")) throw error;
      setIsStale(true);
      setAsks(false);
      return;
    }
    setAsks(false);
    notify(isDeleted ? "Created a new record from this version." : `Restored ${toName(chosen)}.`);
    await queries.invalidateQueries({ queryKey: ["history", endpointId, chosen.recordId] });
    await queries.invalidateQueries({ queryKey: ["record", endpointId, chosen.recordId] });
  });
  if (isMarkKind(chosen.kind) || (chosen === newest && !isDeleted)) return null;
  if (isStale) {
    return (
      <div role="alert" className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 text-warn">
          Someone else changed this record in the meantime, so nothing was restored. Load the newest version first.
        </p>
        <Button onClick={onReload}>Load newest</Button>
      </div>
    );
  }
  const verb = isDeleted ? "Create again from this version" : "Restore this version";
  if (!asks) {
    return (
      <div>
        <Button onClick={() => setAsks(true)}>{verb}…</Button>
      </div>
    );
  }
  return (
    <div className="flex flex-col gap-2 rounded-md border border-line-firm p-3">
      <p>
        {isDeleted
          ? "The record was deleted. This creates a new record, with a new ID, from this version."
          : `This replaces the data of ${toName(newest)} with that of ${toName(chosen)}. Connected clients receive it as an update. The current data stays in the history.`}
      </p>
      <FormFailure failure={failure} />
      <div className="flex gap-2">
        {/* The button replaces the one that was pressed, and takes its focus. */}
        <Button tone="primary" autoFocus busy={pending} onClick={() => run()}>
          {isDeleted ? "Create record" : "Restore"}
        </Button>
        <Button onClick={() => setAsks(false)}>Cancel</Button>
      </div>
    </div>
  );
}
