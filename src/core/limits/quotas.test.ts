import { beforeEach, describe, expect, it } from "vitest";
import { createQuotas, type Quotas, type UsageStore } from "@/src/core/limits/quotas";
import { isAppError } from "@/src/shared/errors";
import type { QuotaName } from "@/src/shared/management/quotas";

const DEFAULTS = { records: 10, recordBytes: 100, fileBytes: 0, users: 2, endpoints: 5, answerBytes: 50 };

let at: number;
let used: Record<QuotaName, number>;
let own: Partial<Record<QuotaName, number>>;
/** The queries that were made. */
let reads: number;
let quotas: Quotas;

const store: UsageStore = {
  findByEndpoint: async (endpointId) => {
    reads += 1;
    return endpointId.startsWith("gone") ? undefined : { projectId: "project", used: { ...used }, own };
  },
  read: async (ids) => {
    reads += 1;
    return ids.includes("project") ? [{ projectId: "project", used: { ...used }, own }] : [];
  },
};

beforeEach(() => {
  at = 1_000_000;
  used = { records: 0, recordBytes: 0, fileBytes: 0, users: 0, endpoints: 1, answerBytes: 0 };
  own = {};
  reads = 0;
  quotas = createQuotas({ store, defaults: DEFAULTS, clock: { now: () => new Date(at) } });
});

async function admit(additions: Parameters<Quotas["admit"]>[1], endpointId = "endpoint"): Promise<string> {
  try {
    await quotas.admit(endpointId, additions);
    return "admitted";
  } catch (error) {
    if (!isAppError(error) || error.code !== "quota_exceeded") throw error;
    return error.message;
  }
}

describe("quotas", () => {
  it("[G20] allow writes up to the limit, including those admitted since the last count", async () => {
    expect(await admit({ records: 4 })).toBe("admitted");
    expect(await admit({ records: 6 })).toBe("admitted");
    expect(await admit({ records: 1 })).toBe(
      'The quota "records" of this project is exceeded: the limit is 10. Delete records, or ask this server\'s administrator to raise it.',
    );
  });

  it("[G20] query the database once, then admit without waiting, for all endpoints of the project", async () => {
    await Promise.all([admit({ records: 1 }), admit({ records: 1 }), admit({ records: 1 })]);
    expect(reads).toBe(1);
    expect(quotas.admit("endpoint", { records: 1 })).toBeUndefined();
    await admit({ records: 5 }, "another");
    expect(await admit({ records: 2 })).toContain('"records"');
    expect(reads).toBe(2);
  });

  it("[G20] are read again before a refusal, because data may have been deleted, but not at every refusal", async () => {
    used.records = 10;
    expect(await admit({ records: 1 })).toContain('"records"');
    used.records = 5;
    expect(await admit({ records: 1 })).toContain('"records"');
    expect(reads).toBe(1);
    at += 1_001;
    expect(await admit({ records: 1 })).toBe("admitted");
    expect(reads).toBe(2);
  });

  it("[G20] follow the database's counts after each refresh, including writes of other servers", async () => {
    await admit({ records: 1 });
    used.records = 10;
    await quotas.refresh();
    expect(await admit({ records: 1 })).toContain('"records"');
    used.records = 3;
    at += 1_001;
    expect(await admit({ records: 7 })).toBe("admitted");
  });

  it("[G20] a refresh reads only projects with recent writes and drops those without any for a minute", async () => {
    await admit({ records: 1 });
    at += 1;
    await quotas.refresh();
    at += 5_000;
    await quotas.refresh();
    expect(reads).toBe(2);
    at += 60_000;
    await quotas.refresh();
    expect(quotas.admit("endpoint", { records: 1 })).toBeInstanceOf(Promise);
    expect(reads).toBe(3);
  });

  it("[G20] the usage of an idle project is read again", async () => {
    await admit({ records: 1 });
    at += 10_001;
    used.records = 10;
    expect(await admit({ records: 1 })).toContain('"records"');
  });

  it("[G20] refuse to replace a record only if no byte is left", async () => {
    expect(await admit({ replaces: 99 })).toBe("admitted");
    expect(await admit({ replaces: 500 })).toBe("admitted");
    expect(await admit({ replaces: 1 })).toContain('"recordBytes"');
    expect(await admit({ records: 0 })).toBe("admitted");
  });

  it("[G20] a project's own quota overrides the server's; 0 is no limit", async () => {
    own = { records: 2, users: 0 };
    expect(await admit({ records: 3 })).toContain("limit is 2");
    expect(await admit({ users: 1_000_000, fileBytes: 1e12 })).toBe("admitted");
    expect(await quotas.read("project")).toMatchObject({
      records: { used: 0, limit: 2, own: 2 },
      recordBytes: { used: 0, limit: 100, own: null },
      users: { limit: null, own: 0 },
      fileBytes: { limit: null, own: null },
      endpoints: { used: 1, limit: 5, own: null },
    });
    expect(await quotas.read("another")).toBeUndefined();
  });

  it("[G20] changed quotas apply from the next write on", async () => {
    await admit({ records: 10 });
    own = { records: 20 };
    quotas.invalidate("project");
    expect(await admit({ records: 10 })).toBe("admitted");
  });

  it("[G24] count the bytes of files that are being received until they are released or committed", async () => {
    own = { fileBytes: 100 };
    const one = quotas.stage("endpoint", false);
    const two = quotas.stage("another", false);
    await one.add(60);
    await two.add(30);
    const refused = { code: "quota_exceeded" };
    await expect(two.add(11)).rejects.toMatchObject(refused);
    expect([one.size, two.size]).toEqual([60, 30]);
    expect(await admit({ fileBytes: 11 })).toContain('"fileBytes"');
    // Neither a fresh count nor a changed quota drops them.
    await quotas.refresh();
    quotas.invalidate("project");
    await expect(two.add(11)).rejects.toMatchObject(refused);
    two.release();
    two.release();
    expect(await admit({ fileBytes: 100, stagedBytes: one.size })).toBe("admitted");
    one.release();
    await expect(quotas.stage("endpoint", false).add(0)).rejects.toMatchObject(refused);
  });

  it("[G24] bytes that are released while the usage is read are not counted", async () => {
    own = { fileBytes: 100 };
    const one = quotas.stage("endpoint", false);
    const adding = one.add(60);
    one.release();
    await adding;
    expect(await admit({ fileBytes: 100 })).toBe("admitted");
  });

  it("[G24] let a possible replay be received although no byte is left, up to the limit or the stored bytes", async () => {
    own = { fileBytes: 100 };
    used.fileBytes = 120;
    const repeat = quotas.stage("endpoint", true);
    await repeat.add(120);
    await expect(quotas.stage("endpoint", true).add(1)).rejects.toMatchObject({ code: "quota_exceeded" });
  });

  it("[G20] ignore writes to an endpoint that does not exist", async () => {
    expect(await admit({ records: 1_000 }, "gone")).toBe("admitted");
  });
});
