/** What there is to know of an open stream. Types, and how they are made of one; it must not change streams. */
import type { AppError } from "@/src/shared/errors";
import type { Session } from "./session";
import type { Subscriber } from "./subscriber";

export type Transport = "ws" | "sse";

/** An open stream, for whoever holds its transport. */
export interface Subscription {
  /** In resumable mode, sends a sign of life (W9). Call it every 25 s. */
  beat(): void;
  /** Ends the stream with the error's close code and message. */
  end(error: AppError): void;
  /** The transport has gone; call it once it closed, for whatever reason. */
  closed(): void;
}

/** An open stream, for whoever looks at the server. */
export interface Connection {
  /** A UUID. */
  id: string;
  transport: Transport;
  endpointId: string;
  endpointName: string;
  projectId: string;
  /** Null: opened by a ticket. */
  keyId: string | null;
  /** The application's user whose access token was sent; null: none was needed. */
  userId: string | null;
  /** It hears of this user's records alone; undefined: of everybody's. */
  onlyOwner: string | undefined;
  /** The JSONata expression that must be true of what it hears (W13); undefined: none. */
  filter: string | undefined;
  origin: string | undefined;
  openedAt: Date;
  /** Where the log stood then. */
  openedSeq: number;
  resumable: boolean;
  /** Up to which seq it has been sent the log; undefined: it is live. */
  replayedTo: number | undefined;
  /** What waits to be sent. */
  backlogBytes: number;
}

/** An open stream, as the hub keeps it. */
export interface OpenStream {
  id: string;
  session: Session;
  subscriber: Subscriber;
  transport: Transport;
  filter: string | undefined;
  openedAt: Date;
  openedSeq: number;
  /** Lets go of all that the hub took for it. */
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
    replayedTo: current.state === "replaying" ? current.at.seq : undefined,
    backlogBytes: subscriber.backlogBytes(),
  };
}
