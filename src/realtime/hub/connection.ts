/** Describes open streams: the types, and how a description is created. */
import type { AppError } from "@/src/shared/errors";
import type { Session } from "./session";
import type { Subscriber } from "./subscriber";

export type Transport = "ws" | "sse";

/** An open stream, as its transport sees it. */
export interface Subscription {
  /** In resumable mode, sends a heartbeat (W9). Call it every 25 s. */
  sendHeartbeat(): void;
  /** Ends the stream with the error's close code and message. */
  end(error: AppError): void;
  /** Call this when the transport has closed, whatever the reason. */
  closed(): void;
}

/** An open stream, as an operator sees it. */
export interface Connection {
  /** A UUID. */
  id: string;
  transport: Transport;
  endpointId: string;
  endpointName: string;
  projectId: string;
  /** Null if the stream was opened with a ticket. */
  keyId: string | null;
  /** The application's user whose access token was sent; null if none was needed. */
  userId: string | null;
  /** The user whose records alone it receives; undefined if it receives all. */
  onlyOwner: string | undefined;
  /** The JSONata expression of its filter (W13); undefined if it has none. */
  filter: string | undefined;
  origin: string | undefined;
  openedAt: Date;
  /** The log's last seq at that time. */
  openedSeq: number;
  resumable: boolean;
  /** It receives only what its judge allows (W29). */
  isJudged: boolean;
  /** The seq up to which it has been sent the log; undefined if it is live. */
  replayedTo: number | undefined;
  /** The bytes that wait to be sent. */
  backlogBytes: number;
}

/** An open stream, as the hub stores it. */
export interface OpenStream {
  id: string;
  session: Session;
  subscriber: Subscriber;
  transport: Transport;
  filter: string | undefined;
  openedAt: Date;
  openedSeq: number;
  /** Releases everything that the hub holds for the stream. */
  release: () => void;
}

export function toConnection({ id, session, subscriber, transport, filter, openedAt, openedSeq }: OpenStream): Connection {
  const { endpoint, projectId, keyId, user, onlyOwner, origin } = session.grant;
  const current = session.state();
  return {
    id,
    transport,
    endpointId: endpoint.id,
    endpointName: endpoint.name,
    projectId,
    keyId,
    userId: user?.id ?? null,
    onlyOwner,
    filter,
    origin,
    openedAt,
    openedSeq,
    resumable: session.resumable,
    isJudged: session.grant.judge !== undefined,
    replayedTo: current.state === "replaying" ? current.at.seq : undefined,
    backlogBytes: subscriber.backlogBytes(),
  };
}
