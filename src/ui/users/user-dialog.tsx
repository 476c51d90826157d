/** One user: sessions, password, deletion. */
"use client";

import { useState } from "react";
import type { AppUserView } from "@/src/shared/management/schemas";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { CopyButton } from "../components/copy-button";
import { Dialog } from "../components/overlay/dialog";
import { RelativeTime } from "../components/relative-time";
import { formatPlural } from "../format/format-number";
import { NameConfirmation } from "../forms/name-confirmation";
import { notify } from "../notifications/notify";
import { UserData } from "./user-data";
import { UserPasswordForm } from "./user-password-form";
import { UserSessions } from "./user-sessions";

interface Props {
  endpointId: string;
  /** Null if the dialog is closed. */
  user: AppUserView | null;
  onClose: () => void;
  /** Called after the user was changed. */
  onChanged: () => Promise<unknown>;
}

export function UserDialog({ endpointId, user, onClose, onChanged }: Props) {
  const [deleting, setDeleting] = useState(false);
  // Kept while the dialog fades out.
  const [last, setLast] = useState(user);
  if (user && user !== last) setLast(user);
  const remove = async () => {
    if (!user) return;
    await requestJson(`endpoints/${endpointId}/users/${user.id}`, { method: "DELETE" });
    notify(`User ${user.name} deleted.`);
    setDeleting(false);
    onClose();
    await onChanged();
  };
  return (
    <>
      <Dialog wide open={user !== null && !deleting} onOpenChange={(open) => open || onClose()} title={last?.name ?? ""}>
        {last ? (
          <div className="flex flex-col gap-6">
            <Facts user={last} />
            <UserData key={last.id} endpointId={endpointId} userId={last.id} onChanged={onChanged} onGone={onClose} />
            <UserSessions endpointId={endpointId} userId={last.id} onChanged={onChanged} />
            <UserPasswordForm endpointId={endpointId} user={last} onChanged={onChanged} />
            <section className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
              <div className="min-w-0">
                <h3 className="font-semibold">Delete this user</h3>
                <p className="text-muted">Permanently deletes the account and its sessions.</p>
              </div>
              <Button onClick={() => setDeleting(true)}>Delete user</Button>
            </section>
          </div>
        ) : null}
      </Dialog>
      <NameConfirmation
        open={user !== null && deleting}
        onOpenChange={setDeleting}
        title="Delete user"
        name={last?.name ?? ""}
        action="Delete user"
        consequences={
          <>
            <p>
              The user’s record and password are deleted
              {last && last.sessions > 0 ? `, and ${formatPlural(last.sessions, "session")} will end` : ""}. This can’t be undone. The name
              becomes available again.
            </p>
            <p>Records that the user created at secure endpoints are kept without an owner.</p>
          </>
        }
        onConfirm={remove}
      />
    </>
  );
}

function Facts({ user: { id, createdAt, lastUsedAt } }: { user: AppUserView }) {
  return (
    <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1">
      <dt className="text-muted">uniqueId</dt>
      <dd className="flex min-w-0 items-center gap-1">
        <code className="text-data wrap-anywhere">{id}</code>
        <CopyButton text={id} what="the uniqueId" />
      </dd>
      <dt className="text-muted">Registered</dt>
      <dd>
        <RelativeTime time={createdAt} />
      </dd>
      <dt className="text-muted">Last active</dt>
      <dd>
        <RelativeTime time={lastUsedAt} />
      </dd>
    </dl>
  );
}
