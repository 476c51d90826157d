/** The access of a new token: its scope and its projects. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { TokenScope } from "@/src/shared/management/schemas";
import { projectsQuery } from "../api/queries";
import { Segments } from "../components/segments";
import { readOneOf, readTexts } from "../forms/drafts/stored-state";

const SCOPES = [
  { value: "write", label: "Read and write" },
  { value: "read", label: "Read only" },
] as const;

const SCOPE_HINTS: Readonly<Record<TokenScope, string>> = {
  write: "Can read, create, change and delete.",
  read: "Can read and export, but not change anything.",
};

const REACHES = [
  { value: "all", label: "All projects" },
  { value: "some", label: "Some projects" },
] as const;

export interface TokenAccessChoice {
  scope: TokenScope;
  reach: (typeof REACHES)[number]["value"];
  chosen: readonly string[];
  setScope: (scope: TokenScope) => void;
  setReach: (reach: (typeof REACHES)[number]["value"]) => void;
  choose: (projectId: string, isChosen: boolean) => void;
  /** Sets the choice to that of a draft, or to the default if undefined. */
  restore: (state: unknown) => void;
}

export function useTokenAccess(): TokenAccessChoice {
  const [scope, setScope] = useState<TokenScope>("write");
  const [reach, setReach] = useState<TokenAccessChoice["reach"]>("all");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const choose = (projectId: string, isChosen: boolean) =>
    setChosen((before) => (isChosen ? [...before, projectId] : before.filter((id) => id !== projectId)));
  const restore = (state: unknown) => {
    setScope(readOneOf(state, "scope", ["read", "write"] as const) ?? "write");
    setReach(readOneOf(state, "reach", ["all", "some"] as const) ?? "all");
    setChosen(readTexts(state, "chosen") ?? []);
  };
  return { scope, reach, chosen, setScope, setReach, choose, restore };
}

export function TokenScopeFields({ access, problem }: { access: TokenAccessChoice; problem: string | undefined }) {
  const { scope, reach, setScope, setReach } = access;
  return (
    <>
      <Segments label="Scope" value={scope} options={SCOPES} onChange={setScope} hint={SCOPE_HINTS[scope]} />
      <Segments
        label="Projects"
        value={reach}
        options={REACHES}
        onChange={setReach}
        hint={reach === "all" ? "Includes projects that you create later." : "Can’t create projects or change your account."}
      />
      {reach === "some" ? <ProjectChoice access={access} problem={problem} /> : null}
    </>
  );
}

function ProjectChoice({ access, problem }: { access: TokenAccessChoice; problem: string | undefined }) {
  const id = useId();
  const { data: projects, error } = useQuery(projectsQuery());
  if (!projects)
    return (
      <p className="text-muted">{error ? "Couldn’t load your projects. Close this dialog and try again." : "Loading your projects…"}</p>
    );
  if (projects.length === 0) return <p className="text-muted">You have no projects yet.</p>;
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5" aria-describedby={problem ? `${id}-problem` : undefined}>
      <legend className="sr-only">Projects of this token</legend>
      <ul className="flex max-h-48 flex-col overflow-y-auto rounded-md border border-control bg-surface py-1">
        {projects.map((project, index) => (
          <li key={project.id}>
            <label className="flex min-h-8 cursor-pointer items-center gap-2.5 px-3 py-1 hover:bg-inset pointer-coarse:min-h-11">
              <input
                type="checkbox"
                name="projectIds"
                checked={access.chosen.includes(project.id)}
                aria-invalid={problem && index === 0 ? true : undefined}
                onChange={(event) => access.choose(project.id, event.target.checked)}
                className="size-4 shrink-0 accent-text"
              />
              <span className="min-w-0 wrap-anywhere">{project.name}</span>
            </label>
          </li>
        ))}
      </ul>
      {problem ? (
        <p id={`${id}-problem`} className="animate-appear text-delete">
          {problem}
        </p>
      ) : null}
    </fieldset>
  );
}
