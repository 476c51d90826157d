/** Starts, prolongs and ends the recording of a project's requests, and pauses the page. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { RECORDING_MINUTES } from "@/src/shared/traffic-limits";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { notify } from "../notifications/notify";

/** While the page is open, the recording goes on. */
const PROLONG_MS = (RECORDING_MINUTES - 1) * 60_000;

export function RecordingControls({
  projectId,
  recordedUntil,
  isPaused,
  onPause,
}: {
  projectId: string;
  /** Null: only errors are logged. */
  recordedUntil: string | null;
  isPaused: boolean;
  onPause: (isPaused: boolean) => void;
}) {
  const client = useQueryClient();
  const [isWanted, setWanted] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const send = useCallback(
    async (method: "POST" | "DELETE") => {
      try {
        await requestJson(`projects/${projectId}/requests/recording`, { method });
      } catch (error) {
        notify(error instanceof Error ? error.message : "Something went wrong.");
      }
      await client.invalidateQueries({ queryKey: ["requests", projectId] });
    },
    [client, projectId],
  );
  useEffect(() => {
    if (!isWanted) return;
    void send("POST");
    const timer = setInterval(() => {
      // A forgotten tab in the background records no longer than one period.
      if (document.visibilityState === "visible") void send("POST");
    }, PROLONG_MS);
    return () => clearInterval(timer);
  }, [isWanted, send]);
  const stop = async () => {
    setWanted(false);
    setBusy(true);
    await send("DELETE");
    setBusy(false);
  };
  return (
    <>
      <Button aria-pressed={isPaused} onClick={() => onPause(!isPaused)}>
        {isPaused ? "Resume" : "Pause"}
      </Button>
      {isWanted || recordedUntil !== null ? (
        <Button busy={isBusy} onClick={() => void stop()}>
          <span aria-hidden="true" className="size-2 rounded-full bg-delete" />
          Stop recording
        </Button>
      ) : (
        <Button tone="primary" busy={isBusy} onClick={() => setWanted(true)}>
          Record
        </Button>
      )}
    </>
  );
}
