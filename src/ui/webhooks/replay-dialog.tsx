/** Sends changes again, from a time or a cursor on, or skips those that are not read yet. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type RefObject, useRef, useState } from "react";
import type { WebhookView } from "@/src/shared/management/webhooks";
import { webhookQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Segments } from "../components/segments";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";

const PLACES = [
  { value: "time", label: "Time" },
  { value: "cursor", label: "Cursor" },
  { value: "now", label: "Now" },
] as const;
type Place = (typeof PLACES)[number]["value"];

const HINTS: Readonly<Record<Place, string>> = {
  time: "Changes of all its endpoints since this time are sent again, with the same ids.",
  cursor: "Changes of the cursor’s endpoint after it are sent again, with the same ids.",
  now: "Skips changes that haven’t been read yet.",
};

export function ReplayDialog({ webhookId, open, onClose }: { webhookId: string; open: boolean; onClose: () => void }) {
  const first = useRef<HTMLInputElement>(null);
  return (
    <Dialog open={open} onOpenChange={(next) => next || onClose()} title="Replay" initialFocus={first}>
      <ReplayForm webhookId={webhookId} first={first} onClose={onClose} />
    </Dialog>
  );
}

function ReplayForm({ webhookId, first, onClose }: { webhookId: string; first: RefObject<HTMLInputElement | null>; onClose: () => void }) {
  const client = useQueryClient();
  const [place, setPlace] = useState<Place>("time");
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/webhooks")).webhookReplaySchema),
    toBody: ({ from = "" }) => ({ from: place === "now" ? "now" : place === "time" ? toTime(from) : from.trim() }),
    submit: async (body) => {
      const saved = await requestJson<WebhookView>(`webhooks/${webhookId}/replay`, { method: "POST", body });
      client.setQueryData(webhookQuery(webhookId).queryKey, saved);
      notify(place === "now" ? "Skipped to now." : "Replaying.");
      onClose();
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <Segments label="From" value={place} options={PLACES} onChange={setPlace} hint={HINTS[place]} />
      {place === "time" ? (
        <TextField key="time" name="from" type="datetime-local" step="1" label="Time" problem={form.problemOf("from")} ref={first} />
      ) : null}
      {place === "cursor" ? <TextField key="cursor" name="from" label="Cursor" mono problem={form.problemOf("from")} /> : null}
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>{place === "now" ? "Skip" : "Replay"}</SubmitButton>
        <Button onClick={onClose}>Cancel</Button>
      </DialogActions>
    </form>
  );
}

/** The local time of the field in UTC. Empty if it is not complete. */
function toTime(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
