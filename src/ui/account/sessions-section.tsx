/** The browsers in which the account is signed in, and buttons to sign out there. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { SessionView } from "@/src/shared/management/schemas";
import { sessionsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Panel, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { toBrowserName } from "../format/browser-name";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";
import { SignOutDialog } from "./sign-out-dialog";

export function SessionsSection() {
  const { data: sessions, error, refetch } = useQuery(sessionsQuery());
  const [signingOut, setSigningOut] = useState(false);
  return (
    <Section
      title="Sessions"
      note="Browsers that are signed in. End any you don’t recognise."
      actions={<Button onClick={() => setSigningOut(true)}>Sign out everywhere else</Button>}
    >
      {sessions ? (
        <Panel padded={false}>
          <ul className="flex flex-col divide-y">
            {sessions.map((session) => (
              <SessionRow key={session.id} session={session} />
            ))}
          </ul>
        </Panel>
      ) : error ? (
        <ProblemPanel what="Couldn’t load your sessions." error={error} onRetry={refetch} />
      ) : null}
      <SignOutDialog open={signingOut} onClose={() => setSigningOut(false)} />
    </Section>
  );
}

function SessionRow({ session }: { session: SessionView }) {
  const client = useQueryClient();
  const name = toBrowserName(session.userAgent);
  const revoke = useAction(async () => {
    await requestJson(`account/sessions/${session.id}`, { method: "DELETE" });
    await client.invalidateQueries({ queryKey: sessionsQuery().queryKey });
    notify(`Session of ${name} ended.`);
  });
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-5 py-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium wrap-anywhere">{name}</span>
          {session.current ? <Badge tone="live">This browser</Badge> : null}
        </p>
        <p className="text-muted">
          {session.address ? `${session.address} · ` : ""}last active <RelativeTime time={session.lastSeenAt} /> · signed in{" "}
          <RelativeTime time={session.createdAt} /> · expires <RelativeTime time={session.expiresAt} />
        </p>
        <FormFailure failure={revoke.failure} />
      </div>
      {session.current ? null : (
        <Button busy={revoke.pending} onClick={() => revoke.run()} aria-label={`End session of ${name}`}>
          End session
        </Button>
      )}
    </li>
  );
}
