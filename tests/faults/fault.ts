/** What a fault is: how it is done to a running deployment, and what it needs for that. */
import type { Deployment, DeploymentNeeds } from "./deployment/deployment";
import type { Ledger } from "./ledger";
import type { CheckingSubscriber } from "./subscriber";
import type { Load, Writers } from "./writers";

/** A run that is under way: everybody writes and listens. */
export interface Scene {
  deployment: Deployment;
  ledger: Ledger;
  writers: Writers;
  subscribers: readonly CheckingSubscriber[];
  /** Counts from 0. */
  run: number;
  /** Fewer and smaller. */
  isShort: boolean;
  /** Subscribers of everything at the open endpoint, at the node with that number; settles when all are connected. They are judged like the others. */
  subscribe(
    count: number,
    options: { node: number; beforeReconnect?: () => Promise<void>; timeoutMs?: number },
  ): Promise<readonly CheckingSubscriber[]>;
  /** Settles when so many more writes were acknowledged. */
  acknowledged(count: number): Promise<void>;
  /** Data that a fault writes by itself to the open endpoint. */
  openEndpointId: string;
  openPath: string;
}

/** From when on recovery counts (`performance.now()`), and what else to check once all has recovered: a sentence for each problem. */
export interface Injected {
  endedAt: number;
  check?: () => Promise<string[]>;
}

export interface Fault {
  name: string;
  title: string;
  needs: DeploymentNeeds;
  /** With Redis in all runs; the others are run with it and without it in turn. */
  redisOnly?: true;
  /** Why it can't be done on this machine; undefined: it can. */
  obstacle?: () => string | undefined;
  load: Load;
  /** Writes that are acknowledged before the fault, and again after the recovery. */
  writesAround: number;
  /** Breaks something, and settles when nothing more is broken on purpose. */
  inject(scene: Scene): Promise<Injected>;
}

export const SMALL_LOAD: Load = { paceMs: 5, padBytes: 100 };
/** Generous: a machine with much else to do is slow, and no verdict depends on time. */
export const RECOVERY_TIMEOUT_MS = 300_000;
