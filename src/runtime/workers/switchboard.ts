/** Passes notifications, counts and logins between the processes of a server, in their parent process (ADR 40). */
import type { Worker } from "node:cluster";
import type { CountMessage } from "@/src/limits/count-exchange";
import { createCountRouter } from "@/src/limits/count-router";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import { AppError, isAppError } from "@/src/shared/errors";
import type { Role } from "../node/siblings";
import type { LoginRefusal, ToParent, ToWorker } from "./messages";

/** While a process has not received this many messages, further notifications to it are dropped. Its next poll finds the changes. */
const UNSENT_MAX = 1_000;

export interface Switchboard {
  /** From now on the process receives messages of the others. */
  join(worker: Worker, role: Role): void;
  leave(worker: Worker): void;
  /** Handles a message. Returns false if it is not for other processes. */
  receive(worker: Worker, message: ToParent): boolean;
}

interface Fence {
  origin: Worker;
  id: number;
  /** The processes that have not responded. */
  open: Set<Worker>;
}

export function createSwitchboard(): Switchboard {
  return new ProcessSwitchboard();
}

class ProcessSwitchboard implements Switchboard {
  /** The number of messages that each has been sent and has not received. */
  readonly #members = new Map<Worker, { role: Role; unsent: number }>();
  readonly #fences = new Map<number, Fence>();
  readonly #counts = createCountRouter<Worker>((worker, counts) => this.#sendCounts(worker, counts));
  readonly #logins = createLoginLimiter();
  #lastFence = 0;

  join(worker: Worker, role: Role): void {
    this.#members.set(worker, { role, unsent: 0 });
    this.#counts.join(worker);
  }

  leave(worker: Worker): void {
    this.#members.delete(worker);
    this.#counts.leave(worker);
    for (const [key, fence] of this.#fences) {
      if (fence.origin === worker) this.#fences.delete(key);
      else this.#pass(key, fence, worker);
    }
  }

  receive(worker: Worker, message: ToParent): boolean {
    switch (message.kind) {
      case "bus":
        for (const [member, { role, unsent }] of this.#members) {
          // The process with the dashboard has no streams.
          if (member === worker || unsent >= UNSENT_MAX || (message.isHint && role === "dashboard")) continue;
          this.#send(member, { kind: "bus", text: message.text });
        }
        return true;
      case "fence":
        this.#fence(worker, message.id);
        return true;
      case "fenced": {
        const fence = this.#fences.get(message.id);
        if (fence) this.#pass(message.id, fence, worker);
        return true;
      }
      case "counts":
        this.#counts.receive(worker, message.counts);
        return true;
      case "call":
        void this.#logins[message.method](message.attempt)
          .then(() => undefined, toRefusal)
          .then((refusal) => this.#send(worker, { kind: "returned", id: message.id, refusal }));
        return true;
      default:
        return false;
    }
  }

  #fence(origin: Worker, id: number): void {
    this.#lastFence += 1;
    const key = this.#lastFence;
    const open = new Set([...this.#members.keys()].filter((member) => member !== origin));
    this.#fences.set(key, { origin, id, open });
    for (const member of open) this.#send(member, { kind: "fence", id: key });
    this.#pass(key, { origin, id, open }, undefined);
  }

  /** The process has responded, or ended. */
  #pass(key: number, { origin, id, open }: Fence, worker: Worker | undefined): void {
    if (worker) open.delete(worker);
    if (open.size > 0) return;
    this.#fences.delete(key);
    this.#send(origin, { kind: "fenced", id });
  }

  #sendCounts(worker: Worker, counts: CountMessage): Promise<void> {
    return new Promise((resolve) => this.#send(worker, { kind: "counts", counts }, resolve));
  }

  #send(worker: Worker, message: ToWorker, onSent: () => void = () => undefined): void {
    const member = this.#members.get(worker);
    if (!worker.isConnected()) {
      onSent();
      return;
    }
    if (member) member.unsent += 1;
    worker.send(message, () => {
      if (member) member.unsent -= 1;
      onSent();
    });
  }
}

function toRefusal(error: unknown): LoginRefusal {
  const { message, retryAfterSeconds } = isAppError(error) ? error : new AppError("rate_limited");
  return { detail: message, retryAfterSeconds: retryAfterSeconds ?? 60 };
}
