/** Kills nodes and restarts PostgreSQL at random moments of something that makes progress. */
import { until } from "@/tests/support/until";
import { RECOVERY_TIMEOUT_MS, type Scene } from "../fault";

/** The writes that are acknowledged while a node is down. */
const WRITES_MEANWHILE = 10;
/** The most that is delivered between two faults. */
const BETWEEN_MAX = 40;

/**
 * `progress`: a number that grows with each delivery. Each fault comes after some more of them: `kill -9` of one of the nodes, and once a restart or a crash of
 * PostgreSQL. Returns when the last one began.
 */
export async function killAtRandom({ deployment, random, isShort, acknowledged }: Scene, progress: () => number): Promise<number> {
  const faults = isShort ? 2 : 4;
  const databaseFault = Math.floor(random() * faults);
  let startedAt = 0;
  for (let n = 0; n < faults; n++) {
    const goal = progress() + 1 + Math.floor(random() * BETWEEN_MAX);
    await until("more deliveries", () => progress() >= goal, { timeoutMs: RECOVERY_TIMEOUT_MS });
    startedAt = performance.now();
    if (n === databaseFault) await deployment.postgres.restart(random() < 0.5 ? "SIGINT" : "SIGKILL");
    else {
      const node = deployment.nodes[random() < 0.5 ? 0 : 1];
      await node.kill();
      await acknowledged(WRITES_MEANWHILE);
      await node.start();
    }
  }
  return startedAt;
}
