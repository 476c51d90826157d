/** Parts of the page that load after the page, or when they are first needed. */
"use client";

import { type ComponentProps, lazy, Suspense, useEffect } from "react";
import { Skeleton } from "../components/page/skeleton";
import type { BulkDialog } from "./edits/bulk-dialog";
import type { RecordComposer } from "./panel/record-composer";
import type { RecordPanel } from "./panel/record-panel";
import type { ExportDialog } from "./transfer/export-dialog";
import type { ImportDialog } from "./transfer/import-dialog";
import type { ViewAsDialog } from "./view-as/view-as-dialog";

const PRELOAD_AFTER_MS = 1500;

const loadPanel = () => import("./panel/record-panel");
const loadComposer = () => import("./panel/record-composer");
const loadImport = () => import("./transfer/import-dialog");
const loadExport = () => import("./transfer/export-dialog");

const loadViewAs = () => import("./view-as/view-as-dialog");
const loadBulk = () => import("./edits/bulk-dialog");

const ViewAs = lazy(async () => ({ default: (await loadViewAs()).ViewAsDialog }));
const Bulk = lazy(async () => ({ default: (await loadBulk()).BulkDialog }));
const Panel = lazy(async () => ({ default: (await loadPanel()).RecordPanel }));
const Composer = lazy(async () => ({ default: (await loadComposer()).RecordComposer }));
const Import = lazy(async () => ({ default: (await loadImport()).ImportDialog }));
const Export = lazy(async () => ({ default: (await loadExport()).ExportDialog }));

/** Loads the parts in the background. */
export function usePreload(): void {
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const load of [loadPanel, loadComposer, loadImport, loadExport, loadBulk, loadViewAs]) void load().catch(() => undefined);
    }, PRELOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
}

const WAITING = (
  <div className="h-full bg-surface p-4">
    <Skeleton height={120} />
  </div>
);

export function LazyPanel(props: ComponentProps<typeof RecordPanel>) {
  return (
    <Suspense fallback={WAITING}>
      <Panel {...props} />
    </Suspense>
  );
}

export function LazyComposer(props: ComponentProps<typeof RecordComposer>) {
  return (
    <Suspense fallback={WAITING}>
      <Composer {...props} />
    </Suspense>
  );
}

export function LazyImport(props: ComponentProps<typeof ImportDialog>) {
  return props.open ? (
    <Suspense fallback={null}>
      <Import {...props} />
    </Suspense>
  ) : null;
}

export function LazyBulk(props: ComponentProps<typeof BulkDialog>) {
  return props.open ? (
    <Suspense fallback={null}>
      <Bulk {...props} />
    </Suspense>
  ) : null;
}

export function LazyExport(props: ComponentProps<typeof ExportDialog>) {
  return props.open ? (
    <Suspense fallback={null}>
      <Export {...props} />
    </Suspense>
  ) : null;
}

export function LazyViewAs(props: ComponentProps<typeof ViewAsDialog>) {
  return props.open ? (
    <Suspense fallback={null}>
      <ViewAs {...props} />
    </Suspense>
  ) : null;
}
