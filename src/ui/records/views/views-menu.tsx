/** The saved views of an endpoint: applies one, and saves, updates, renames and deletes them. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Bookmark } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import type { RecordView } from "@/src/shared/management/record-views";
import type { GridQuery } from "../../api/record-rows";
import { toRequestError } from "../../api/request-error";
import { buttonClass } from "../../components/button";
import { Menu, MenuItem, MenuSeparator } from "../../components/overlay/menu";
import { notify } from "../../notifications/notify";
import type { Layout } from "../grid/grid-layout";
import { isShown, toContent } from "./view-content";
import { recordViewsQuery, updateView } from "./view-requests";

const ViewDialog = lazy(async () => ({ default: (await import("./view-dialog")).ViewDialog }));

interface Props {
  endpointId: string;
  query: GridQuery;
  /** Undefined: the columns of the rows. */
  layout: Layout | undefined;
  onApply: (view: RecordView) => void;
}

export function ViewsMenu({ endpointId, query, layout, onApply }: Props) {
  const client = useQueryClient();
  const { data: views = [] } = useQuery(recordViewsQuery(endpointId));
  const [lastId, setLastId] = useState<string>();
  const [dialog, setDialog] = useState<"save" | "rename" | "delete">();
  const content = toContent(query, layout);
  const shown = views.find((view) => isShown(view, content));
  // The view that was applied stays the one to update after changes.
  const last = shown ?? views.find(({ id }) => id === lastId);
  const refresh = () => client.invalidateQueries({ queryKey: recordViewsQuery(endpointId).queryKey });
  const update = async (view: RecordView) => {
    try {
      await updateView(endpointId, view.id, content);
      await refresh();
      notify(`View “${view.name}” updated.`);
    } catch (error) {
      notify(toRequestError(error).message);
    }
  };
  return (
    <>
      <Menu
        side="below"
        triggerClass={buttonClass("secondary", { tight: true })}
        trigger={
          <>
            <Bookmark className="size-4" aria-hidden="true" />
            <span className="max-w-32 truncate max-xl:sr-only">{shown ? shown.name : "Views"}</span>
            {shown ? <span className="sr-only">, views</span> : null}
          </>
        }
      >
        {views.map((view) => (
          <MenuItem
            key={view.id}
            pressed={view.id === shown?.id}
            onClick={() => {
              setLastId(view.id);
              onApply(view);
            }}
          >
            {view.name}
          </MenuItem>
        ))}
        {views.length > 0 ? (
          <MenuSeparator />
        ) : (
          <p className="px-2 py-1 text-muted">No views yet. Save a filter, order and columns for your team.</p>
        )}
        <MenuItem onClick={() => setDialog("save")}>Save as a new view…</MenuItem>
        {last && !shown ? <MenuItem onClick={() => void update(last)}>Update “{last.name}”</MenuItem> : null}
        {last ? (
          <>
            <MenuItem onClick={() => setDialog("rename")}>Rename “{last.name}”…</MenuItem>
            <MenuItem onClick={() => setDialog("delete")}>Delete “{last.name}”…</MenuItem>
          </>
        ) : null}
      </Menu>
      {dialog ? (
        <Suspense fallback={null}>
          <ViewDialog
            endpointId={endpointId}
            action={dialog}
            view={last}
            content={content}
            onClose={() => setDialog(undefined)}
            onDone={async (view) => {
              await refresh();
              if (view) setLastId(view.id);
              setDialog(undefined);
            }}
          />
        </Suspense>
      ) : null}
    </>
  );
}
