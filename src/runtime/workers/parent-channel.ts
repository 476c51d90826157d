/** The worker's end of the channel to its parent process: what it shares with the other processes of the server. */
import type { LoginAttempt, LoginLimiter } from "@/src/core/limits/ports";
import { createCountExchange, type ExchangedCounts } from "@/src/limits/count-exchange";
import type { BusLink, BusReceiver } from "@/src/realtime/cluster/cluster-bus";
import { AppError } from "@/src/shared/errors";
import type { LoginCall, LoginRefusal, ToParent, ToWorker } from "./messages";

/** A worker that does not respond to a fence within this time learns of a change with its next poll. */
const FENCE_MS_MAX = 1_000;

export interface ParentChannel {
  link: BusLink;
  counts: ExchangedCounts;
  loginLimiter: LoginLimiter;
  /** Handles a message of the parent. Returns false if it is not one of this channel. */
  receive(message: ToWorker): boolean;
}

/** `hasPeers`: other processes of the server have streams. */
export function createParentChannel(send: (message: ToParent) => void, { hasPeers }: { hasPeers: () => boolean }): ParentChannel {
  const fences = new Map<number, () => void>();
  const calls = new Map<number, { resolve: () => void; reject: (error: AppError) => void }>();
  const counts = createCountExchange({ send: (changes) => send({ kind: "counts", counts: changes }) });
  let receiver: BusReceiver | undefined;
  let lastId = 0;

  const call = (method: LoginCall) => (attempt: LoginAttempt) =>
    new Promise<void>((resolve, reject) => {
      lastId += 1;
      calls.set(lastId, { resolve, reject });
      send({ kind: "call", id: lastId, method, attempt });
    });

  function settleCall(id: number, refusal: LoginRefusal | undefined): void {
    const waiting = calls.get(id);
    calls.delete(id);
    if (refusal) waiting?.reject(new AppError("rate_limited", refusal));
    else waiting?.resolve();
  }

  const link: BusLink = {
    isTrusted: true,
    open: (opened) => {
      receiver = opened;
    },
    send: (text, isHint) => {
      if (!isHint || hasPeers()) send({ kind: "bus", text, isHint });
    },
    fence: () =>
      new Promise((resolve) => {
        lastId += 1;
        const id = lastId;
        const done = () => {
          clearTimeout(timer);
          fences.delete(id);
          resolve();
        };
        const timer = setTimeout(done, FENCE_MS_MAX);
        fences.set(id, done);
        send({ kind: "fence", id });
      }),
    close: () => {
      receiver = undefined;
    },
  };

  return {
    link,
    counts,
    loginLimiter: { begin: call("begin"), succeed: call("succeed"), withdraw: call("withdraw") },
    receive: (message) => {
      switch (message.kind) {
        case "bus":
          receiver?.receive(message.text);
          return true;
        case "fence":
          // The messages before it have been processed, because they arrive in order.
          send({ kind: "fenced", id: message.id });
          return true;
        case "fenced":
          fences.get(message.id)?.();
          return true;
        case "counts":
          counts.receive(message.counts);
          return true;
        case "returned":
          settleCall(message.id, message.refusal);
          return true;
        default:
          return false;
      }
    },
  };
}
