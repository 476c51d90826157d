/** Creates a record from JSON, text or files. At an authentication endpoint, it registers a user. */
"use client";

import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { createRecord } from "../../api/records";
import { type RequestError, toRequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { TextAreaField } from "../../components/field";
import { Segments } from "../../components/segments";
import { JsonEditor } from "../../editor/json-editor";
import { DraftNote } from "../../forms/drafts/draft-note";
import { FormFailure } from "../../forms/form-failure";
import { parseJson } from "../../json/json-tree";
import { FileDrop } from "../transfer/file-drop";
import { useNewRecordDraft } from "./record-drafts";
import { toProblems } from "./record-editor";

type Format = "json" | "text" | "files";

const STARTS = {
  data: '{\n  "hello": "world"\n}',
  authentication: '{\n  "username": "",\n  "password": ""\n}',
  // Mails are sent, not composed here.
  email: "{}",
};

interface Props {
  endpointId: string;
  kind: EndpointKind;
  onDirty: (dirty: boolean) => void;
  onCreated: (ids: readonly string[]) => void;
  onClose: () => void;
}

export function RecordComposer({ endpointId, kind, onDirty, onCreated, onClose }: Props) {
  const isUsers = kind === "authentication";
  const kept = useNewRecordDraft(endpointId, isUsers);
  const [chosen, setFormat] = useState<Format>();
  const format = chosen ?? kept.value?.format ?? "json";
  const text = kept.value?.text ?? STARTS[kind];
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestError>();

  const root = useRef<HTMLElement>(null);
  useEffect(() => root.current?.querySelector<HTMLElement>("textarea,[contenteditable=true]")?.focus(), []);

  const change = (next: string) => {
    if (format === "files") return;
    kept.set({ format, text: next });
    setFailure(undefined);
  };
  const isDirty = kept.value !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: called for each change only
  useEffect(() => onDirty(isDirty), [isDirty]);
  const discard = () => {
    kept.clear();
    onDirty(false);
  };
  const choose = (next: Format) => {
    setFormat(next);
    if (kept.value && next !== "files") kept.set({ format: next, text });
    setFailure(undefined);
  };
  const create = async () => {
    if (busy || format === "files" || text === "" || (format === "json" && !parseJson(text).ok)) return;
    setBusy(true);
    setFailure(undefined);
    try {
      const id = await createRecord(endpointId, { contentType: format, text });
      discard();
      onCreated([id]);
    } catch (error) {
      setFailure(toRequestError(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section ref={root} aria-label={isUsers ? "New user" : "New record"} className="flex h-full min-h-0 flex-col bg-surface">
      <header className="flex h-12 shrink-0 items-center justify-between border-b border-line pr-2 pl-4">
        <h2 className="font-medium">{isUsers ? "New user" : "New record"}</h2>
        <Button tone="quiet" square aria-label="Close" title="Close (Esc)" onClick={onClose}>
          <X className="size-4" aria-hidden="true" />
        </Button>
      </header>
      <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-y-auto px-4 py-3">
        {isUsers ? null : (
          <Segments
            label="Format"
            hideLabel
            value={format}
            options={[
              { value: "json", label: "JSON" },
              { value: "text", label: "Text" },
              { value: "files", label: "Files" },
            ]}
            onChange={choose}
          />
        )}
        {format === "files" ? (
          <FileDrop endpointId={endpointId} onCreated={onCreated} />
        ) : (
          <form
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              void create();
            }}
            className="flex flex-col gap-3"
          >
            <DraftNote restoredAtMs={kept.restoredAtMs} onDiscard={discard} />
            {format === "json" ? (
              <JsonEditor
                label="JSON"
                hint={isUsers ? USERS_HINT : undefined}
                value={text}
                onChange={change}
                problems={toProblems(failure)}
                onSubmit={() => void create()}
                minHeight={200}
                maxHeight={520}
              />
            ) : (
              <TextAreaField label="Text" mono rows={10} value={text} onChange={(event) => change(event.target.value)} />
            )}
            <FormFailure failure={failure} />
            <div className="flex flex-wrap gap-2">
              <Button tone="primary" type="submit" busy={busy} title="Create (Ctrl ↵)">
                {isUsers ? "Register user" : "Create record"}
              </Button>
              <Button
                onClick={() => {
                  discard();
                  onClose();
                }}
              >
                Cancel
              </Button>
            </div>
          </form>
        )}
      </div>
    </section>
  );
}

const USERS_HINT: ReactNode = (
  <>
    Registers a user. Enter a <code>username</code> or an <code>email</code>, and a <code>password</code>. The password is stored as a hash,
    never in the record.
  </>
);
