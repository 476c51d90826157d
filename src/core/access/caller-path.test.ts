import { describe, expect, it } from "vitest";
import { toCallerPath, toOwnerPath } from "@/src/core/access/caller-path";

describe("caller paths", () => {
  const grant = { ownerId: "account", projectId: "project", keyId: "key" };

  it("[R6] contain the account, the project, and the key with the network", () => {
    expect(toCallerPath(grant, "192.0.2.1")).toEqual(["account", "project", "key 192.0.2.1"]);
    expect(toCallerPath(grant, "2001:db8::1")).toEqual(toCallerPath(grant, "2001:db8::2"));
    expect(toCallerPath(grant, "192.0.2.1")).not.toEqual(toCallerPath({ ...grant, keyId: "other" }, "192.0.2.1"));
  });

  it("[R6] count ticket streams and the dashboard as separate callers", () => {
    expect(toCallerPath({ ...grant, keyId: null }, "192.0.2.1")).toEqual(["account", "project", "ticket 192.0.2.1"]);
    expect(toOwnerPath("account", "project")).toEqual(["account", "project", "management"]);
  });
});
