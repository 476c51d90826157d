/** A field for a user of the project, by name or uniqueId, with the names that match what is typed. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId } from "react";
import { searchUsers } from "../../api/app-users";
import { TextField } from "../../components/field";
import { useDebounced } from "../../forms/use-debounced";

const SEARCH_AFTER_MS = 250;
const OFFERED_MAX = 20;

export function UserField({
  projectId,
  label,
  hint,
  placeholder,
  value,
  onChange,
  problem,
}: {
  projectId: string;
  label: string;
  hint: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
  problem: string | undefined;
}) {
  const id = useId();
  const client = useQueryClient();
  const search = useDebounced(value.trim(), SEARCH_AFTER_MS);
  const { data: users = [] } = useQuery({
    queryKey: ["user-choices", projectId, search],
    queryFn: () => searchUsers(client, projectId, search),
    // Names are only offered here. The typed text is looked up when it is used.
    retry: false,
  });
  return (
    <>
      <TextField
        label={label}
        hint={hint}
        placeholder={placeholder}
        list={`${id}-names`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        problem={problem}
      />
      <datalist id={`${id}-names`}>
        {[...new Set(users.map(({ name }) => name))].slice(0, OFFERED_MAX).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}
