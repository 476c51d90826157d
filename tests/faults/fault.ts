/** The interface of a fault: how it breaks a running deployment, and what it needs for that. */
import type { Deployment, DeploymentNeeds } from "./deployment/deployment";
import type { World } from "./deployment/world";
import type { DeliveryVerdict } from "./judge-deliveries";
import type { Ledger } from "./ledger";
import type { CheckingSubscriber } from "./subscriber";
import type { Load, Writers } from "./writers";

/** A run in progress: all writers write, and all subscribers read. */
export interface Scene {
  deployment: Deployment;
  ledger: Ledger;
  writers: Writers;
  subscribers: readonly CheckingSubscriber[];
  /** Starts at 0. */
  run: number;
  /** The short form: fewer and smaller. */
  isShort: boolean;
  /** From 0 to below 1, repeated by the seed of the run. */
  random: () => number;
  /** Adds subscribers of all changes at the open endpoint, on the node with that number. Settles when all are connected. They are judged like the others. */
  subscribe(
    count: number,
    options: { node: number; beforeReconnect?: () => Promise<void>; timeoutMs?: number },
  ): Promise<readonly CheckingSubscriber[]>;
  /** Settles when `count` more writes have been acknowledged. */
  acknowledged(count: number): Promise<void>;
  targets: ReturnType<World["targets"]>;
}

/**
 * When the recovery starts (`performance.now()`), and what to run after it and after the last write: a check, which returns a sentence for each problem, and a
 * judgement of what was delivered besides streams.
 */
export interface Injected {
  endedAt: number;
  check?: () => Promise<string[]>;
  deliveries?: () => Promise<DeliveryVerdict>;
}

export interface Fault {
  name: string;
  title: string;
  needs: DeploymentNeeds;
  /** True: Redis is used in all runs. Otherwise runs with it and without it alternate. */
  redisOnly?: true;
  /** Why the fault is not possible on this machine; undefined: it is possible. */
  obstacle?: () => string | undefined;
  load: Load;
  /** The writes that are acknowledged before the fault, and again after the recovery. */
  writesAround: number;
  /** Breaks something. Settles when it no longer breaks anything on purpose. */
  inject(scene: Scene): Promise<Injected>;
  /** What `deliveries` counts, such as mails. */
  delivers?: string;
}

export const SMALL_LOAD: Load = { paceMs: 5, padBytes: 100 };
/** Generous, because a busy machine is slow, and no verdict depends on time. */
export const RECOVERY_TIMEOUT_MS = 300_000;
