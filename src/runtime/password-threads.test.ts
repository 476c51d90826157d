/** Hashes from threads: correct, of low priority, and none is lost when one fails. */
import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHashThreads, type HashThreads } from "@/src/runtime/password-threads";

let threads: HashThreads;
beforeEach(() => {
  threads = createHashThreads();
});
afterEach(() => threads.close());

/** The niceness of each thread of this process. */
function readNiceness(): number[] {
  return readdirSync("/proc/self/task").map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
    // The 19th field; the second is a name in parentheses.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  });
}

describe.runIf(process.platform === "linux")("createHashThreads", () => {
  it("[L1] [L6] hashes and verifies, at a lower priority than the process", async () => {
    const own = os.getPriority();
    const [one, other] = await Promise.all([threads.hash("correct horse"), threads.hash("correct horse")]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(other).not.toBe(one);
    expect(await Promise.all([threads.verify(one, "correct horse"), threads.verify(one, "another")])).toEqual([true, false]);
    expect(readNiceness().filter((niceness) => niceness === Math.min(19, own + 10))).toHaveLength(2);
    expect(os.getPriority()).toBe(own);
  });

  it("[L6] goes on after a failure, and ends running hashes when it is closed", async () => {
    await expect(threads.verify("no hash", "x")).rejects.toThrow("could not be hashed");
    expect(await threads.hash("x")).toMatch(/^\$argon2id/);
    const running = threads.hash("x");
    const ended = expect(running).rejects.toThrow("ended");
    await threads.close();
    await ended;
    expect(await threads.hash("x")).toMatch(/^\$argon2id/);
  });
});
