/** Runs a bulk edit batch by batch, until it is done or stopped. */
"use client";

import { useEffect, useRef, useState } from "react";
import type { RecordsUpdated } from "@/src/shared/management/record-edits";
import { type RequestError, toRequestError } from "../../api/request-error";
import { type Scope, toUpdateBody } from "./bulk-request";
import { updateBatch } from "./edit-requests";

interface BulkRun {
  updated: number;
  unchanged: number;
  failed: RecordsUpdated["failed"];
  isRunning: boolean;
  failure: RequestError | undefined;
  /** Where it goes on. Undefined: it is done. `null`: at the beginning. */
  next: string | null | undefined;
}

const START: BulkRun = { updated: 0, unchanged: 0, failed: [], isRunning: true, failure: undefined, next: null };

export function useBulkRun(endpointId: string, { onRunning, onChanged }: { onRunning: (running: boolean) => void; onChanged: () => void }) {
  const [state, setState] = useState<BulkRun>();
  const request = useRef<{ changesText: string; scope: Scope }>(undefined);
  const stopping = useRef(false);
  const latest = useRef<BulkRun>(START);
  useEffect(
    () => () => {
      stopping.current = true;
    },
    [],
  );

  const show = (next: BulkRun) => {
    latest.current = next;
    setState(next);
  };
  const run = async (from: BulkRun) => {
    if (!request.current) return;
    const { changesText, scope } = request.current;
    stopping.current = false;
    onRunning(true);
    show({ ...from, isRunning: true, failure: undefined });
    try {
      // A batch that was sent is not cut off, so that its outcome is known.
      while (latest.current.next !== undefined && !stopping.current) {
        const before = latest.current;
        const done = await updateBatch(endpointId, toUpdateBody(changesText, scope, before.next ?? undefined));
        show({
          ...before,
          updated: before.updated + done.updated,
          unchanged: before.unchanged + done.unchanged,
          failed: [...before.failed, ...done.failed],
          next: done.next ?? undefined,
        });
      }
      show({ ...latest.current, isRunning: false });
    } catch (error) {
      show({ ...latest.current, isRunning: false, failure: toRequestError(error) });
    } finally {
      onRunning(false);
      if (latest.current.updated > 0) onChanged();
    }
  };
  return {
    state,
    start: (changesText: string, scope: Scope) => {
      request.current = { changesText, scope };
      void run(START);
    },
    stop: () => {
      stopping.current = true;
    },
    resume: () => void run(latest.current),
  };
}
