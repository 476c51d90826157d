/** Chooses whose view of the records the grid shows. */
"use client";

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { ANONYMOUS } from "@/src/shared/record-limits";
import { searchUsers } from "../../api/app-users";
import { ANONYMOUS_LABEL } from "../../api/viewer";
import { CONTROL, Field } from "../../components/field";
import { Dialog } from "../../components/overlay/dialog";
import { useDebounced } from "../../forms/use-debounced";

const SEARCH_AFTER_MS = 250;
const SHOWN_MAX = 50;

interface Props {
  projectId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** `viewAs`: a uniqueId or `anonymous`. */
  onChoose: (viewAs: string) => void;
}

export function ViewAsDialog({ open, onOpenChange, ...props }: Props) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="View records as"
      description="Shows what the user’s requests receive by the saved rules, the access function and the switches, without hidden fields."
      initialFocus={field}
    >
      <Choices {...props} field={field} />
    </Dialog>
  );
}

function Choices({
  projectId,
  onChoose,
  field,
}: Pick<Props, "projectId" | "onChoose"> & { field: React.RefObject<HTMLInputElement | null> }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const text = typed.trim();
  const search = useDebounced(text, SEARCH_AFTER_MS);
  const isId = /^[0-9a-f]{32}$/.test(text);
  const {
    data: users = [],
    error,
    isFetched,
  } = useQuery({
    queryKey: ["user-choices", projectId, search],
    queryFn: () => searchUsers(client, projectId, search),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const shown = isId ? [] : users.slice(0, SHOWN_MAX);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [first] = shown;
    if (isId) onChoose(text);
    else if (text !== "" && text === search && first) onChoose(first.id);
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-3">
      <Field label="Find a user" hint="A part of a name, or a uniqueId.">
        {(attributes) => (
          <input
            {...attributes}
            ref={field}
            type="search"
            value={typed}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="none"
            onChange={(event) => setTyped(event.target.value)}
            className={`${CONTROL} h-control px-2.5`}
          />
        )}
      </Field>
      <ul aria-label="Views" className="-mx-2 flex max-h-72 min-h-24 flex-col overflow-y-auto">
        {text === "" ? <Choice name={ANONYMOUS_LABEL} note="Requests without an access token" onClick={() => onChoose(ANONYMOUS)} /> : null}
        {isId ? <Choice name={text} note="uniqueId" onClick={() => onChoose(text)} /> : null}
        {shown.map(({ id, name }) => (
          <Choice key={id} name={name} note={id.slice(-8)} onClick={() => onChoose(id)} />
        ))}
      </ul>
      <p role="status" className="text-muted empty:hidden">
        {error
          ? `Couldn’t load users. ${error.message}`
          : isId || !isFetched || shown.length > 0
            ? ""
            : search === ""
              ? "The project has no users yet."
              : `No user has “${search}” in the name.`}
      </p>
    </form>
  );
}

function Choice({ name, note, onClick }: { name: string; note: string; onClick: () => void }) {
  return (
    <li>
      <button
        type="button"
        onClick={onClick}
        className="flex min-h-9 w-full items-center gap-3 rounded-sm px-2 text-left hover:bg-hover focus-visible:-outline-offset-2 pointer-coarse:min-h-11"
      >
        <span className="min-w-0 flex-1 truncate">{name}</span>
        <span className="shrink-0 text-data text-muted">{note}</span>
      </button>
    </li>
  );
}
