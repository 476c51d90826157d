/** Notices about the whole page: the session has ended, or the server does not respond. The page stays as it is. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { PageAccount } from "../api/account-context";
import { checkAccount } from "../api/check-account";
import { isTransportError } from "../api/request-error";
import { isServerAway, subscribeServer } from "../api/server-state";
import { askToSignIn, getSession, onPossibleSignIn, renewSession, subscribeSession } from "../api/session";
import { Button } from "../components/button";
import { keepPageWithoutServer } from "./keep-page";
import { useHeldNavigation } from "./use-held-navigation";

const SignInDialog = lazy(async () => ({ default: (await import("./sign-in-dialog")).SignInDialog }));

const BAR =
  "fixed inset-x-3 top-3 z-30 mx-auto flex w-fit flex-wrap items-center gap-x-3 gap-y-1 rounded-md border border-line-firm bg-surface py-1.5 pr-2 pl-3";

export function PageNotices({ account }: { account: PageAccount }) {
  return (
    <>
      <ServerNotice />
      <SessionNotice account={account} />
    </>
  );
}

function ServerNotice() {
  const client = useQueryClient();
  const isAway = useSyncExternalStore(subscribeServer, isServerAway, () => false);
  useEffect(keepPageWithoutServer, []);
  const isHolding = useHeldNavigation();
  // Queries that failed meanwhile are repeated.
  useEffect(() => {
    if (!isAway) void client.refetchQueries({ predicate: ({ state: { error } }) => isTransportError(error) });
  }, [isAway, client]);
  return (
    <div role="status">
      {isAway ? (
        <p className={`${BAR} min-h-9 animate-appear`}>
          <span className="font-medium text-warn">The server isn’t responding. Trying again…</span>
          {isHolding ? <span className="text-muted">The page that you chose opens as soon as it responds.</span> : null}
        </p>
      ) : null}
    </div>
  );
}

function SessionNotice({ account }: { account: PageAccount }) {
  const client = useQueryClient();
  const session = useSyncExternalStore(subscribeSession, getSession, getSession);
  const isEnded = session.state === "ended";
  const [wasAsking, setWasAsking] = useState(false);
  if (isEnded && session.isAsking && !wasAsking) setWasAsking(true);
  const renew = useCallback(() => {
    renewSession();
    void client.invalidateQueries();
  }, [client]);
  useEffect(() => {
    if (!isEnded) return;
    return onPossibleSignIn(() => void checkAccount().then((answer) => answer === "same" && renew()));
  }, [isEnded, renew]);
  return (
    <>
      <div role="alert">
        {isEnded && !session.isAsking ? (
          <div className={`${BAR} animate-appear`}>
            <p className="font-medium text-warn">{session.isOther ? "Another account is signed in." : "Your session ended."}</p>
            <Button tone="primary" onClick={askToSignIn}>
              Sign in
            </Button>
          </div>
        ) : null}
      </div>
      {wasAsking ? (
        <Suspense fallback={null}>
          <SignInDialog session={session} account={account} onRenewed={renew} />
        </Suspense>
      ) : null}
    </>
  );
}
