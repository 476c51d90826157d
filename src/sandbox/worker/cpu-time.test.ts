import { describe, expect, it } from "vitest";
import { readCpuTimeMs } from "./cpu-time";

describe.runIf(process.platform === "linux")("readCpuTimeMs", () => {
  it("[R6] equals what the process itself measures", () => {
    const toMs = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
    const before = toMs(process.cpuUsage());
    const read = readCpuTimeMs(process.pid) ?? Number.NaN;
    const after = toMs(process.cpuUsage());
    expect(read).toBeGreaterThan(before - 25);
    expect(read).toBeLessThan(after + 25);
  });

  it("[R6] is undefined for a process that has ended", () => {
    expect(readCpuTimeMs(2 ** 30)).toBeUndefined();
  });
});
