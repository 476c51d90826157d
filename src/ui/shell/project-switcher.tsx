/** A menu that shows the current project and links to the others. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { ChevronsUpDown } from "lucide-react";
import { projectsQuery } from "../api/queries";
import { Menu, MenuLink, MenuSeparator } from "../components/overlay/menu";

export function ProjectSwitcher({ projectId }: { projectId: string | undefined }) {
  const { data: projects = [] } = useQuery(projectsQuery());
  const current = projects.find((project) => project.id === projectId);
  if (projects.length === 0) return null;
  return (
    <Menu
      side="below"
      label={current ? `Project ${current.name}. Switch project` : "Choose a project"}
      triggerClass="flex h-control w-full items-center gap-2 rounded-md border border-line-firm bg-surface px-2.5 text-left transition-colors duration-[120ms] hover:border-control"
      trigger={
        <>
          <span className="min-w-0 flex-1 truncate font-medium">{current?.name ?? "Choose a project"}</span>
          <ChevronsUpDown className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
        </>
      }
    >
      {projects.map(({ id, name }) => (
        <MenuLink key={id} href={`/p/${id}`} current={id === projectId}>
          {name}
        </MenuLink>
      ))}
      <MenuSeparator />
      <MenuLink href="/projects">All projects</MenuLink>
    </Menu>
  );
}
