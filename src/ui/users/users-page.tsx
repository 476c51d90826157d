/** The users of an authentication endpoint: list, search, and a dialog for each. */
"use client";

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Search } from "lucide-react";
import { lazy, type ReactNode, Suspense, useDeferredValue, useState } from "react";
import type { AppUserView } from "@/src/shared/management/schemas";
import { APP_USER_NAME_LENGTH_MAX } from "@/src/shared/streams/protocol";
import { appUsersQuery, endpointQuery, keysQuery } from "../api/queries";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { CONTROL } from "../components/field";
import { EmptyState } from "../components/page/empty-state";
import { Panel } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { formatCount, formatPlural } from "../format/format-number";
import { KEY_PLACEHOLDER, preferredKey } from "../snippets/choose-target";
import { toCurl, toHttpUrl } from "../snippets/snippets";
import { UserDialog } from "./user-dialog";
import { userRecordsQuery } from "./user-requests";
import { UsersTable } from "./users-table";

const AddUserDialog = lazy(async () => ({ default: (await import("./add-user-dialog")).AddUserDialog }));

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
}

export function UsersPage({ projectId, endpointId, origin }: Props) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  // The names after which the pages start, up to the current page.
  const [starts, setStarts] = useState<readonly string[]>([""]);
  const after = starts.at(-1) ?? "";
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...appUsersQuery(endpointId, { search, after }),
    placeholderData: keepPreviousData,
  });
  const [chosen, setChosen] = useState<AppUserView | null>(null);
  const [adding, setAdding] = useState(false);
  const users = data?.users ?? [];
  // Keeps the dialog up to date, even if a search excludes the user.
  const current = users.find(({ id }) => id === chosen?.id) ?? chosen;
  const refresh = () => client.invalidateQueries({ queryKey: ["users", endpointId] });
  const { data: records } = useQuery(
    userRecordsQuery(
      endpointId,
      users.map(({ id }) => id),
    ),
  );
  const addButton = (
    <Button tone="primary" onClick={() => setAdding(true)}>
      <Plus className="size-4" aria-hidden="true" />
      Add user
    </Button>
  );
  return (
    <div className="mx-auto flex w-full max-w-[72rem] flex-col gap-4 px-6 py-8 max-md:px-4">
      {data && data.total === 0 && search === "" ? (
        <NoUsers projectId={projectId} endpointId={endpointId} origin={origin} action={addButton} />
      ) : data ? (
        <>
          <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
            <SearchField
              value={typed}
              onChange={(value) => {
                setTyped(value);
                setStarts([""]);
              }}
            />
            <div className="flex items-center gap-4">
              <p role="status" className="text-muted">
                {search === "" ? formatPlural(data.total, "user") : `${formatCount(data.total)} found`}
              </p>
              {addButton}
            </div>
          </div>
          {users.length > 0 ? (
            <Panel padded={false}>
              <UsersTable users={users} records={records} onChoose={setChosen} />
            </Panel>
          ) : (
            <EmptyState
              sentence={search === "" ? "There are no more users." : `No user name contains “${search}”.`}
              action={
                <Button
                  onClick={() => {
                    setTyped("");
                    setStarts([""]);
                  }}
                >
                  Show all users
                </Button>
              }
            />
          )}
          <Pages
            hasPrevious={starts.length > 1}
            hasNext={data.next !== null && !isPlaceholderData}
            onPrevious={() => setStarts(starts.slice(0, -1))}
            onNext={() => data.next !== null && setStarts([...starts, data.next])}
          />
        </>
      ) : error ? (
        <ProblemPanel what="Couldn’t load users." error={error} onRetry={refetch} />
      ) : null}
      {data && error ? <ProblemPanel what="Couldn’t refresh users." error={error} onRetry={refetch} /> : null}
      {adding ? (
        <Suspense fallback={null}>
          <AddUserDialog
            endpointId={endpointId}
            onClose={() => setAdding(false)}
            onAdded={(user) => {
              setAdding(false);
              setTyped("");
              setStarts([""]);
              void refresh();
              setChosen(user);
            }}
          />
        </Suspense>
      ) : null}
      <UserDialog endpointId={endpointId} user={current} onClose={() => setChosen(null)} onChanged={refresh} />
    </div>
  );
}

function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <div className="relative w-full max-w-[20rem]">
      <Search className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-muted" aria-hidden="true" />
      <input
        type="search"
        aria-label="Search users by name"
        placeholder="Search by name"
        value={value}
        maxLength={APP_USER_NAME_LENGTH_MAX}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        onChange={(event) => onChange(event.target.value)}
        className={`${CONTROL} h-control pr-2.5 pl-8`}
      />
    </div>
  );
}

function Pages({
  hasPrevious,
  hasNext,
  onPrevious,
  onNext,
}: {
  hasPrevious: boolean;
  hasNext: boolean;
  onPrevious: () => void;
  onNext: () => void;
}) {
  if (!hasPrevious && !hasNext) return null;
  return (
    <nav aria-label="Pages of users" className="flex gap-2">
      <Button disabled={!hasPrevious} onClick={onPrevious}>
        Previous
      </Button>
      <Button disabled={!hasNext} onClick={onNext}>
        Next
      </Button>
    </nav>
  );
}

function NoUsers({ projectId, endpointId, origin, action }: Props & { action: ReactNode }) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const key = preferredKey(keys, Date.now())?.key ?? KEY_PLACEHOLDER;
  const url = toHttpUrl({ origin, endpointName: endpoint?.name ?? "", key });
  const body = { content: '{"username":"ada","password":"open sesame"}', contentType: "application/json" };
  return (
    <EmptyState
      sentence="No users yet. Add one here, or let your app register users with a POST containing a name and password."
      action={action}
    >
      <CodeBlock title="Register a user" what="the command" code={toCurl({ method: "POST", url, body }).replace("--data-binary", "-d")} />
    </EmptyState>
  );
}
