/** The sessions of a user, and buttons to end them. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { AppSessionView } from "@/src/shared/management/schemas";
import { appSessionsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { ProblemPanel } from "../components/page/problem-panel";
import { Skeleton } from "../components/page/skeleton";
import { RelativeTime } from "../components/relative-time";
import { toBrowserName } from "../format/browser-name";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";

interface Props {
  endpointId: string;
  userId: string;
  onChanged: () => Promise<unknown>;
}

export function UserSessions({ endpointId, userId, onChanged }: Props) {
  const client = useQueryClient();
  const query = appSessionsQuery(endpointId, userId);
  const { data: sessions, error, refetch } = useQuery(query);
  const path = `endpoints/${endpointId}/users/${userId}/sessions`;
  const end = async (sessionPath: string, done: string) => {
    await requestJson(sessionPath, { method: "DELETE" });
    await Promise.all([client.invalidateQueries({ queryKey: query.queryKey }), onChanged()]);
    notify(done);
  };
  const endAll = useAction(() => end(path, "All sessions of this user ended."));
  return (
    <section className="flex flex-col gap-2">
      <div className="flex min-h-control flex-wrap items-center justify-between gap-x-4">
        <h3 className="font-semibold">Sessions</h3>
        {sessions && sessions.length > 0 ? (
          <Button busy={endAll.pending} onClick={() => endAll.run()}>
            End all sessions
          </Button>
        ) : null}
      </div>
      <FormFailure failure={endAll.failure} />
      {sessions ? (
        sessions.length === 0 ? (
          <p className="text-muted">This user is not logged in.</p>
        ) : (
          // Focusable, so that keys can scroll it.
          <ul
            // biome-ignore lint/a11y/noNoninteractiveTabindex: scroll containers must be reachable by keyboard
            tabIndex={0}
            aria-label="Sessions"
            className="flex max-h-64 flex-col divide-y overflow-y-auto rounded-md border border-line"
          >
            {sessions.map((session) => (
              <SessionRow
                key={session.id}
                session={session}
                onEnd={() => end(`${path}/${session.id}`, `Session of ${toBrowserName(session.userAgent)} ended.`)}
              />
            ))}
          </ul>
        )
      ) : error ? (
        <ProblemPanel what="Couldn’t load sessions." error={error} onRetry={refetch} />
      ) : (
        <Skeleton height={60} />
      )}
    </section>
  );
}

function SessionRow({ session, onEnd }: { session: AppSessionView; onEnd: () => Promise<unknown> }) {
  const name = toBrowserName(session.userAgent);
  const end = useAction(onEnd);
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-3 py-2">
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium wrap-anywhere">{name}</p>
        <p className="text-muted">
          {session.address ? `${session.address} · ` : ""}logged in <RelativeTime time={session.createdAt} /> · last active{" "}
          <RelativeTime time={session.lastUsedAt ?? session.createdAt} /> · expires <RelativeTime time={session.expiresAt} />
        </p>
        <FormFailure failure={end.failure} />
      </div>
      <Button busy={end.pending} onClick={() => end.run()} aria-label={`End session of ${name}`}>
        End session
      </Button>
    </li>
  );
}
