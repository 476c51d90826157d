/** What the rules of applications' users (core/users.ts) need of storage. Interfaces and plain types only; the adapter is db/user-store.ts. */
import type { StoredRecord, WriteResult } from "@/src/core/records/ports";

/** A user of an application (L): its record and its credentials. */
export interface StoredUser {
  record: StoredRecord;
  /** The username or e-mail address in the form in which it is compared. */
  name: string;
  /** argon2id in PHC format. */
  passwordHash: string;
}

/** A change of a user's record, and of its credentials with it. */
export interface UserChange {
  endpointId: string;
  id: string;
  /** JSON text. */
  data: string;
  expectedVersion: number;
  /** Absent: stays. */
  name?: string | undefined;
  /** A new hash ends the user's tokens. */
  password?: { hash: string; keepTokenId?: string | undefined } | undefined;
  /** The hash that the caller knows the password of; the change is refused with `password_changed` when it is another one by now. */
  provenHash?: string | undefined;
  now: Date;
}

/** What became of a write to a user. `username_taken`: another user has the name. `password_changed`: see UserChange. Anything but `ok` wrote nothing. */
export type UserWriteResult = WriteResult | { outcome: "username_taken" | "password_changed" };

/** Writes and reads the users of applications; `endpointId` is an authentication endpoint's. Every method may raise `database_unavailable`. */
export interface UserStore {
  /** Stores a user's record, which belongs to itself, and its credentials: both or nothing. */
  register(user: { endpointId: string; id: string; data: string; name: string; passwordHash: string }): Promise<UserWriteResult>;
  find(endpointId: string, id: string): Promise<StoredUser | undefined>;
  findByName(endpointId: string, name: string): Promise<StoredUser | undefined>;
  /** All of it or nothing. */
  change(change: UserChange): Promise<UserWriteResult>;
  /** Sets a new password, and ends the user's tokens. False: there is no such user. */
  setPassword(request: { endpointId: string; id: string; hash: string; now: Date }): Promise<boolean>;
  /** Stores a token; false: the user was deleted or has another password by now. `endedOthers`: the oldest beyond `liveMax` were revoked. */
  createToken(token: {
    userId: string;
    provenHash: string;
    projectId: string;
    /** SHA-256. */
    hash: Uint8Array;
    userAgent: string | null;
    address: string | null;
    now: Date;
    expiresAt: Date;
    liveMax: number;
  }): Promise<false | { endedOthers: boolean }>;
  revokeToken(tokenId: string, now: Date): Promise<void>;
  /** Deletes up to `limit` tokens that expired before `before`; answers how many. */
  deleteExpiredTokens(before: Date, limit: number): Promise<number>;
}
