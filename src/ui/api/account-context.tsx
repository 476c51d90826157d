/** The account that the page was opened by. */
"use client";

import { createContext, type ReactNode, useContext, useLayoutEffect } from "react";
import { expectAccount } from "./session";

export interface PageAccount {
  id: string;
  name: string;
  email: string;
}

const AccountContext = createContext<PageAccount | undefined>(undefined);

export function AccountProvider({ account, children }: { account: PageAccount; children: ReactNode }) {
  const { id, name, email } = account;
  // Before the effects in which queries send their requests.
  useLayoutEffect(() => expectAccount({ id, name, email }), [id, name, email]);
  return <AccountContext value={account}>{children}</AccountContext>;
}

/** The account that is signed in. Undefined on pages that need no sign-in. */
export function useAccount(): PageAccount | undefined {
  return useContext(AccountContext);
}
