/** Interfaces through which e-mails to users are requested, stored and sent (L8–L13). The store's adapter is db/stores/user-emails.ts. */
import type { MailClient } from "@/src/core/mail/ports";
import type { StoredRecord } from "@/src/core/records/ports";
import type { NewAccessToken, StoredUser } from "@/src/core/users/ports";
import type { EmailContent, UserEmailKind, UserEmailSettings } from "@/src/shared/management/user-emails";

/** The scope of the dashboard's own accounts. Other scopes are ids of authentication endpoints. */
export const DASHBOARD_SCOPE = "00000000-0000-0000-0000-000000000000";

/** One address in one scope, whether anybody has it or not. */
export interface EmailTarget {
  scopeId: string;
  kind: UserEmailKind;
  /** In the form for comparison. */
  name: string;
}

/** The receiver of an e-mail, and what the e-mail depends on. */
export interface EmailRecipient {
  /** The user's record, or the dashboard's account. */
  id: string;
  /** The address. It equals the name of the request. */
  address: string;
  /** The data of the user's record, as JSON text. Undefined for the dashboard. */
  data: string | undefined;
  isVerified: boolean;
  /** Undefined for the dashboard. */
  endpoint?: {
    projectId: string;
    ownerId: string;
    projectName: string;
    allowedOrigins: readonly string[];
    settings: UserEmailSettings | null;
    template: EmailContent | null;
  };
}

/** A token that was found: to whom it was sent. */
export interface FoundEmailToken {
  user: StoredUser;
  hash: Uint8Array;
}

/** The changes that using a token makes, in one transaction. */
export interface EmailTokenUse {
  endpointId: string;
  kind: UserEmailKind;
  hash: Uint8Array;
  user: Pick<StoredUser, "name"> & { record: Pick<StoredRecord, "id" | "version"> };
  /** The data of the record after it, as JSON text. Undefined: unchanged. */
  data: string | undefined;
  /** Undefined: unchanged. A new one ends all access tokens of the user. */
  passwordHash: string | undefined;
  /** An access token to issue. */
  login: NewAccessToken | undefined;
  now: Date;
}

/** `token_used`: it was used, replaced or ended meanwhile. Any outcome but `ok` changed nothing. */
export type EmailTokenUseResult =
  | { outcome: "ok"; record: StoredRecord | undefined; endedOthers: boolean }
  | { outcome: "token_used" | "version_conflict" };

/** A request that this process serves now. */
export interface ClaimedEmailRequest extends EmailTarget {
  /** The server's own request, after a registration or a change of the address. */
  isOwn: boolean;
  /** When another process may serve it. Identifies the claim. */
  dueAt: Date;
  /** How many times it was claimed, this time included. */
  attempts: number;
}

export interface UserEmailStore {
  /**
   * Counts a request for an e-mail, and keeps it until it is served. Does the same work whether anybody has the address or not. Returns the seconds
   * after which to try again if the address has had as many requests as `limit` within the window.
   */
  request(target: EmailTarget, options: { now: Date; limit: number; windowMs: number }): Promise<{ retryAfterSeconds: number } | undefined>;
  /**
   * Claims up to `max` due requests until `now` plus `leaseMs`: the oldest of each account, then the second of each, up to `maxOfAccount`. The accounts are
   * in random order, and the dashboard counts as one. A request that is not finished by then is due again.
   */
  claim(options: { now: Date; leaseMs: number; max: number; maxOfAccount: number }): Promise<ClaimedEmailRequest[]>;
  /** The user or account that has the name now. */
  findRecipient(target: EmailTarget): Promise<EmailRecipient | undefined>;
  /**
   * Replaces the recipient's token of the kind, queues the e-mail with `enqueue`, and ends the claim, in one transaction. If the recipient was deleted or
   * has another address by now, or the request was claimed again, it does nothing. `tries`: how many codes may be sent from now on.
   */
  serve(
    request: ClaimedEmailRequest,
    token: { recipientId: string; hash: Uint8Array; expiresAt: Date; tries: number },
    enqueue: (client: MailClient) => Promise<unknown>,
  ): Promise<void>;
  /** Ends a claim without an e-mail. A request that was made meanwhile stays due. */
  finish(request: ClaimedEmailRequest, tries: number): Promise<void>;
  /** Counts a try of a code, whether there is one or not. Returns false if the address has none left. */
  countTry(target: EmailTarget): Promise<boolean>;
  /** The valid token with this hash, at this endpoint. */
  findToken(token: { endpointId: string; kind: UserEmailKind; hash: Uint8Array; now: Date }): Promise<FoundEmailToken | undefined>;
  /** The valid code of the user with this name. */
  findCode(code: { endpointId: string; name: string; now: Date }): Promise<FoundEmailToken | undefined>;
  /** Deletes the token and makes the changes, or does nothing. Of two concurrent uses, one succeeds. */
  use(use: EmailTokenUse): Promise<EmailTokenUseResult>;
  /** Deletes tokens that expired, and counts whose window began, before `before`. Up to `limit` of each. Returns how many were deleted. */
  sweep(before: Date, limit: number): Promise<number>;
}
