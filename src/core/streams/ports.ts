/** What is known of open streams across servers (G16). Interfaces and plain types only; the adapter lives in db. */

/** An open stream, as all servers may know of it. */
export interface ListedStream {
  id: string;
  transport: "ws" | "sse";
  endpointId: string;
  /** Null: opened by a ticket. */
  keyId: string | null;
  /** The record of the application's user whose access token was sent. */
  userId: string | null;
  /** It hears of this user's records alone. */
  onlyOwner: string | null;
  /** The JSONata expression that must be true of what it hears (W13). */
  filter: string | null;
  origin: string | null;
  openedAt: Date;
  /** Where the log stood then. */
  openedSeq: number;
  resumable: boolean;
  /** Up to which seq it has been sent the log; null: it is live. */
  replayedTo: number | null;
  queueBytes: number;
}

/** The open streams of all servers. Every method may raise `database_unavailable`. */
export interface OpenStreamStore {
  /** Says that the server is there: once it has not for SERVER_SEEN_SECONDS, its streams count no more. `isNew`: nothing is known of it, nor of its streams. */
  see(nodeId: string): Promise<{ isNew: boolean }>;
  /** Tells what has changed of a server's streams. */
  write(
    nodeId: string,
    changes: { added: readonly ListedStream[]; moved: readonly ListedStream[]; removed: readonly string[] },
  ): Promise<void>;
  /** Those of the server's streams that somebody asked to be ended. */
  findAsked(nodeId: string): Promise<string[]>;
  /** The server goes, and its streams with it. */
  forget(nodeId: string): Promise<void>;
}

/** What somebody signed in to the dashboard or the management API by. A console stream lasts as long as it does (W6). */
export interface SignIn {
  kind: "session" | "token";
  /** Of the session or the management token. */
  id: string;
  /** The account. */
  userId: string;
}

/** Reads dashboard sessions and management tokens. */
export interface SignInStore {
  /** The ids of those that still hold: neither revoked, expired nor deleted. May throw `database_unavailable`. */
  findValid(signIns: readonly SignIn[]): Promise<ReadonlySet<string>>;
}
