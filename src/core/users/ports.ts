/** Interfaces through which the rules of applications' users store them. The adapter is db/stores/users.ts. */
import type { StoredRecord, WriteResult } from "@/src/core/records/ports";

/** A user of an application (L): the record and the credentials. */
export interface StoredUser {
  record: StoredRecord;
  /** The username or e-mail address in the form for comparison. */
  name: string;
  /** argon2id in PHC format. */
  passwordHash: string;
  /** The name for which the user proved to receive e-mail. The address is verified if it is `name`. */
  verifiedName: string | null;
}

/** A change of a user's record together with its credentials. */
export interface UserChange {
  endpointId: string;
  id: string;
  /** JSON text. */
  data: string;
  expectedVersion: number;
  /** Absent: unchanged. */
  name?: string | undefined;
  /** A new hash ends the user's tokens. */
  password?: { hash: string; keepTokenId?: string | undefined } | undefined;
  /** The hash that the caller proved to know the password of. The change fails with `password_changed` if the stored hash is another one by now. */
  provenHash?: string | undefined;
  /** Absent: unchanged. */
  verifiedName?: string | null | undefined;
  /** The new address receives an e-mail that verifies it. */
  asksForVerification?: boolean;
  now: Date;
}

/** An access token to store. */
export interface NewAccessToken {
  projectId: string;
  /** SHA-256. */
  hash: Uint8Array;
  userAgent: string | null;
  address: string | null;
  expiresAt: Date;
  /** One more ends the oldest of the user's tokens. */
  liveMax: number;
}

/**
 * The result of a write to a user. `username_taken`: another user has the name. `password_changed`: see UserChange. Any outcome but `ok` wrote
 * nothing.
 */
export type UserWriteResult = WriteResult | { outcome: "username_taken" | "password_changed" };

/** Writes and reads the users of applications. `endpointId` is that of an authentication endpoint. Every method can throw `database_unavailable`. */
export interface UserStore {
  /** Stores a user's record, which the user owns, together with its credentials. */
  register(user: {
    endpointId: string;
    id: string;
    data: string;
    name: string;
    passwordHash: string;
    /** Default: null. */
    verifiedName?: string | null;
    /** The time of the registration, if the address receives an e-mail that verifies it. */
    asksForVerificationAt?: Date | undefined;
  }): Promise<UserWriteResult>;
  find(endpointId: string, id: string): Promise<StoredUser | undefined>;
  findByName(endpointId: string, name: string): Promise<StoredUser | undefined>;
  /** Changes the record and the credentials in one transaction. */
  change(change: UserChange): Promise<UserWriteResult>;
  /** Sets a new password and ends the user's tokens. Returns false if there is no such user. */
  setPassword(request: { endpointId: string; id: string; hash: string; now: Date }): Promise<boolean>;
  /**
   * Stores a token. Returns false if the user was deleted or has another password by now. `endedOthers`: the oldest tokens beyond `liveMax` were
   * revoked.
   */
  createToken(token: NewAccessToken & { userId: string; provenHash: string; now: Date }): Promise<false | { endedOthers: boolean }>;
  revokeToken(tokenId: string, now: Date): Promise<void>;
  /** Deletes up to `limit` tokens that expired before `before`. Returns how many were deleted. */
  deleteExpiredTokens(before: Date, limit: number): Promise<number>;
}
