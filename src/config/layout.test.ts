import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { parseConfig } from "./config";
import { divideConnections } from "./layout";

const parse = (env: Record<string, string>) => {
  const { workers, hasDashboardProcess, databaseConnectionsMax } = parseConfig(env);
  return { workers, hasDashboardProcess, databaseConnectionsMax };
};

describe("the processes of a server", () => {
  test("[W28] by default one process serves everything", () => {
    expect(parse({})).toEqual({ workers: 1, hasDashboardProcess: false, databaseConnectionsMax: 24 });
    expect(parse({ RESTED_WORKERS: "1" })).toEqual(parse({}));
  });

  test("[W28] with several workers the dashboard has a process of its own, and connections grow with the workers", () => {
    expect(parse({ RESTED_WORKERS: "2" })).toEqual({ workers: 2, hasDashboardProcess: true, databaseConnectionsMax: 24 });
    expect(parse({ RESTED_WORKERS: "4" }).databaseConnectionsMax).toBe(38);
    expect(parse({ RESTED_WORKERS: "16" }).databaseConnectionsMax).toBe(90);
    expect(parse({ RESTED_DASHBOARD_PROCESS: "1" })).toEqual({ workers: 1, hasDashboardProcess: true, databaseConnectionsMax: 24 });
  });

  test("[W28] auto is one worker for each processor", () => {
    const workers = Math.min(availableParallelism(), 64);
    expect(parse({ RESTED_WORKERS: "auto" })).toMatchObject({ workers, hasDashboardProcess: workers > 1 });
  });

  test("[W28] in development one process serves everything", () => {
    const env = { NODE_ENV: "development", RESTED_WORKERS: "4", RESTED_DASHBOARD_PROCESS: "1" };
    expect(parse(env)).toMatchObject({ workers: 1, hasDashboardProcess: false });
  });

  test.each(["0", "65", "two", "-1"])("[W28] RESTED_WORKERS=%s is refused", (value) => {
    expect(() => parse({ RESTED_WORKERS: value })).toThrow("RESTED_WORKERS: Use a whole number from 1 to 64, or auto");
  });

  test("[W28] [E6] too few connections for the workers are refused, with the number that is enough", () => {
    const env = { RESTED_WORKERS: "4", RESTED_DATABASE_CONNECTIONS_MAX: "29" };
    expect(() => parse(env)).toThrow("RESTED_DATABASE_CONNECTIONS_MAX: Use 30 or more for 4 workers");
    expect(parse({ ...env, RESTED_DATABASE_CONNECTIONS_MAX: "30" }).workers).toBe(4);
  });

  test.each([1, 2, 3, 16])("[W28] [E6] %i workers and the dashboard never use more connections than the setting allows", (workers) => {
    for (const max of [90, 91, 200]) {
      const { dashboard, worker } = divideConnections({ workers, hasDashboardProcess: true }, max);
      expect(dashboard + workers * worker).toBeLessThanOrEqual(max);
      expect(worker).toBeGreaterThanOrEqual(5);
    }
  });
});
