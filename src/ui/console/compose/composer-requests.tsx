/** The composer's menus: saved and sent requests, and variables. Kept in this browser for each project. */
"use client";

import { Trash2 } from "lucide-react";
import { type ReactNode, useId, useMemo, useState, useSyncExternalStore } from "react";
import { Button, buttonClass } from "../../components/button";
import { CONTROL } from "../../components/field";
import { Menu, MenuItem, MenuSeparator } from "../../components/overlay/menu";
import { formatRelative } from "../../format/format-time";
import { deleteSaved, parseStore, type RequestStore, readStoreText, saveRequest, setVariable, subscribeStore } from "./request-store";
import { BUILT_IN } from "./request-variables";
import type { Draft } from "./send-record";

const HISTORY_SHOWN = 15;
const LABEL_LENGTH_MAX = 60;

/** The store of a project. Empty while rendering on the server. */
export function useRequestStore(projectId: string): RequestStore {
  const text = useSyncExternalStore(
    subscribeStore,
    () => readStoreText(projectId),
    () => "",
  );
  return useMemo(() => parseStore(text), [text]);
}

interface Props {
  projectId: string;
  store: RequestStore;
  draft: Draft;
  isSecret: boolean;
  onChoose: (draft: Draft) => void;
}

export function RequestMenu({ projectId, store, draft, isSecret, onChoose }: Props) {
  return (
    <Menu trigger="Requests" triggerClass={buttonClass("secondary")} side="above">
      <Heading>Saved</Heading>
      {store.saved.length === 0 ? <Note>None yet.</Note> : null}
      {store.saved.map((saved) => (
        <div key={saved.name} className="flex items-center">
          <MenuItem onClick={() => onChoose(saved.draft)}>
            <Method draft={saved.draft} /> {saved.name}
          </MenuItem>
          <Button tone="quiet" square aria-label={`Delete ${saved.name}`} onClick={() => deleteSaved(projectId, saved.name)}>
            <Trash2 className="size-3.5" aria-hidden="true" />
          </Button>
        </div>
      ))}
      {isSecret ? <Note>Requests with passwords are not kept.</Note> : <SaveForm projectId={projectId} draft={draft} />}
      <MenuSeparator />
      <Heading>Sent from here</Heading>
      {store.history.length === 0 ? <Note>None yet.</Note> : null}
      {store.history.slice(0, HISTORY_SHOWN).map((sent) => (
        <MenuItem key={`${sent.atMs} ${sent.draft.body}`} onClick={() => onChoose(sent.draft)}>
          <Method draft={sent.draft} /> <span className="text-muted">{formatRelative(new Date(sent.atMs).toISOString(), Date.now())}</span>{" "}
          <span className="font-mono text-data">{toLabel(sent.draft)}</span>
        </MenuItem>
      ))}
    </Menu>
  );
}

function Heading({ children }: { children: ReactNode }) {
  return <p className="px-2 pt-1.5 pb-1 text-data font-medium text-muted">{children}</p>;
}

function Note({ children }: { children: ReactNode }) {
  return <p className="px-2 py-1 text-muted">{children}</p>;
}

function Method({ draft: { method } }: { draft: Draft }) {
  return <span className="font-mono text-data">{method}</span>;
}

function toLabel({ method, recordId, body }: Draft): string {
  const text = method === "DELETE" ? `…${recordId.slice(-8)}` : body.replace(/\s+/g, " ");
  return text.length > LABEL_LENGTH_MAX ? `${text.slice(0, LABEL_LENGTH_MAX)}…` : text;
}

function SaveForm({ projectId, draft }: Pick<Props, "projectId" | "draft">) {
  const id = useId();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string>();
  const save = () => {
    const found = saveRequest(projectId, name, draft);
    setProblem(found);
    if (found === undefined) setName("");
  };
  return (
    <div className="p-2">
      <div className="flex gap-2">
        <input
          aria-label="Name of the request"
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? id : undefined}
          placeholder="Name"
          value={name}
          onChange={({ target }) => {
            setName(target.value);
            setProblem(undefined);
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            // The menu is inside the form that sends.
            event.preventDefault();
            save();
          }}
          className={`${CONTROL} h-control px-2.5`}
        />
        <Button onClick={save}>Save</Button>
      </div>
      {problem ? (
        <p id={id} role="alert" className="pt-1 text-delete">
          {problem}
        </p>
      ) : null}
    </div>
  );
}

export function VariableMenu({ projectId, store }: Pick<Props, "projectId" | "store">) {
  const id = useId();
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState<string>();
  const add = () => {
    const found = setVariable(projectId, name.trim(), value);
    setProblem(found);
    if (found !== undefined) return;
    setName("");
    setValue("");
  };
  const onEnter = (event: { key: string; preventDefault: () => void }) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  return (
    <Menu trigger="Variables" triggerClass={buttonClass("quiet")} side="above">
      <Heading>Replaced when you send</Heading>
      <dl className="px-2 pb-1">
        {BUILT_IN.map((variable) => (
          <div key={variable.name} className="flex gap-2 py-0.5">
            <dt className="w-28 shrink-0 font-mono text-data">{`{{${variable.name}}}`}</dt>
            <dd className="text-muted">{variable.hint}</dd>
          </div>
        ))}
      </dl>
      <MenuSeparator />
      <Heading>Yours, in this browser</Heading>
      {store.variables.map((variable) => (
        <div key={variable.name} className="flex items-center gap-2 pl-2">
          <span className="w-28 shrink-0 truncate font-mono text-data">{`{{${variable.name}}}`}</span>
          <span className="min-w-0 flex-1 truncate text-muted">{variable.value}</span>
          <Button
            tone="quiet"
            square
            aria-label={`Delete ${variable.name}`}
            onClick={() => setProblem(setVariable(projectId, variable.name, undefined))}
          >
            <Trash2 className="size-3.5" aria-hidden="true" />
          </Button>
        </div>
      ))}
      <div className="flex gap-2 p-2">
        <input
          aria-label="Name of the variable"
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? id : undefined}
          placeholder="name"
          value={name}
          onChange={({ target }) => {
            setName(target.value);
            setProblem(undefined);
          }}
          onKeyDown={onEnter}
          className={`${CONTROL} h-control w-24! shrink-0 px-2 font-mono`}
        />
        <input
          aria-label="Value of the variable"
          placeholder="value"
          value={value}
          onChange={({ target }) => setValue(target.value)}
          onKeyDown={onEnter}
          className={`${CONTROL} h-control min-w-0 px-2 font-mono`}
        />
        <Button onClick={add}>Set</Button>
      </div>
      {problem ? (
        <p id={id} role="alert" className="px-2 pb-2 text-delete">
          {problem}
        </p>
      ) : null}
    </Menu>
  );
}
