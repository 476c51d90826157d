/** The account of the signed-in user: profile, sessions, tokens. */
import type { Metadata } from "next";
import { orPageFailure } from "@/app/lib/page-failure";
import { requireUser } from "@/app/lib/sign-in/current-user";
import { listSessions } from "@/src/management/accounts/sessions";
import { listTokens } from "@/src/management/accounts/tokens";
import { getRuntime } from "@/src/runtime/registry";
import { AccountPage } from "@/src/ui/account/account-page";
import { Prefetched } from "@/src/ui/api/prefetched";
import { sessionsQuery, tokensQuery } from "@/src/ui/api/queries";

export const metadata: Metadata = { title: "Account" };

export default async function Page() {
  const { sessionId, ...account } = await requireUser("/account");
  const { db, clock } = getRuntime();
  const [sessions, tokens] = await orPageFailure(() =>
    Promise.all([listSessions({ db, clock, userId: account.id, currentSessionId: sessionId }), listTokens({ db, userId: account.id })]),
  );
  return (
    <Prefetched
      data={[
        [sessionsQuery().queryKey, sessions],
        [tokensQuery().queryKey, tokens],
      ]}
    >
      <AccountPage account={account} />
    </Prefetched>
  );
}
