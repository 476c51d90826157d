/** Tests hashing: the order of queued hashes, and the limits of the queue. */
import { describe, expect, it } from "vitest";
import { createPasswordHasher, type HashContext, type HashEngine, toDashboardHashContext } from "@/src/core/users/password-hasher";

const login: HashContext = { kind: "login", caller: ["a", "p", "192.0.2.1"] };
const registration: HashContext = { ...login, kind: "registration" };
const dashboard = toDashboardHashContext("192.0.2.9");

/** An engine whose hashes end on request. */
function createManualEngine() {
  const begun: string[] = [];
  const finish: (() => void)[] = [];
  const engine: HashEngine = {
    hash: (password) =>
      new Promise((resolve) => {
        begun.push(password);
        finish.push(() => resolve(`hash of ${password}`));
      }),
    verify: async () => true,
  };
  /** Ends hashes one after the other until none runs. */
  const drain = async () => {
    for (let end = finish.shift(); end; end = finish.shift()) {
      end();
      await new Promise(setImmediate);
    }
  };
  return { begun, drain, engine };
}

describe("createPasswordHasher", () => {
  it("[L1] hashes with argon2id and an individual salt", async () => {
    const passwords = createPasswordHasher();
    const [one, other] = await Promise.all([passwords.hash("correct horse", login), passwords.hash("correct horse", login)]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(other).not.toBe(one);
    expect(await passwords.verify(one, "correct horse", login)).toBe(true);
    expect(await passwords.verify(one, "Correct horse", login)).toBe(false);
    expect(await passwords.verify(null, "correct horse", login)).toBe(false);
  });

  it("accepts a password regardless of how the keyboard composes characters", async () => {
    const passwords = createPasswordHasher();
    expect(await passwords.verify(await passwords.hash("caf\u00e9 noir", login), "cafe\u0301 noir", login)).toBe(true);
  });

  it("continues after a failure", async () => {
    const passwords = createPasswordHasher({ atOnceMax: 1 });
    await expect(passwords.verify("no hash", "x", login)).rejects.toThrow();
    await expect(passwords.verify("no hash", "x", login)).rejects.toThrow();
    expect(await passwords.verify(null, "x", login)).toBe(false);
  });

  it("[L6] hashes for logins and the dashboard before queued registrations, but does not starve those", async () => {
    const { begun, drain, engine } = createManualEngine();
    const passwords = createPasswordHasher({ atOnceMax: 1, engine });
    const all = [
      ...Array.from({ length: 50 }, (_, n) => passwords.hash(`registration ${n}`, registration)),
      ...Array.from({ length: 12 }, (_, n) => passwords.hash(`login ${n}`, login)),
      passwords.hash("sign-in", dashboard),
    ];
    await drain();
    await Promise.all(all);
    // One was running, and one may have been due.
    expect(begun.indexOf("sign-in")).toBeLessThanOrEqual(3);
    expect(begun.indexOf("login 0")).toBeLessThanOrEqual(3);
    expect(begun.indexOf("login 11")).toBeLessThanOrEqual(19);
    expect(begun.slice(0, 19).filter((name) => name.startsWith("registration")).length).toBeGreaterThanOrEqual(3);
  });

  it("[L6] serves accounts, their projects and their callers round robin", async () => {
    const { begun, drain, engine } = createManualEngine();
    const passwords = createPasswordHasher({ atOnceMax: 1, engine });
    const all = [
      ...Array.from({ length: 60 }, (_, n) => passwords.hash(`crowd ${n}`, login)),
      passwords.hash("same project", { ...login, caller: ["a", "p", "192.0.2.2"] }),
      passwords.hash("other project", { ...login, caller: ["a", "q", "192.0.2.1"] }),
      passwords.hash("other account", { ...login, caller: ["b", "r", "192.0.2.1"] }),
    ];
    await drain();
    await Promise.all(all);
    expect(begun.indexOf("other account")).toBeLessThanOrEqual(2);
    expect(begun.indexOf("other project")).toBeLessThanOrEqual(4);
    expect(begun.indexOf("same project")).toBeLessThanOrEqual(6);
  });

  it("[L6] limits the queue of each caller with server_busy, without affecting others", async () => {
    const { drain, engine } = createManualEngine();
    const passwords = createPasswordHasher({ atOnceMax: 1, engine });
    const crowd = Array.from({ length: 300 }, () => passwords.hash("x", registration));
    const results = Promise.allSettled(crowd);
    const others = [
      passwords.hash("y", login),
      passwords.hash("y", dashboard),
      passwords.hash("y", { ...registration, caller: ["b", "q", "192.0.2.1"] }),
    ];
    await drain();
    await Promise.all(others);
    const refused = (await results).filter((result) => result.status === "rejected");
    // 100 hashes of a caller may be queued in addition to the running one.
    expect(refused).toHaveLength(199);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "server_busy", retryAfterSeconds: 5 });
  });
});
