import { describe, expect, it } from "vitest";
import { createAddressPolicy } from "./address-policy";
import { HostRefusedError, resolveHost } from "./resolve-host";

const PRIVATE = [
  ...[
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
  ],
  ...["192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1"],
  ...["255.255.255.255", "168.63.129.16"],
  ...["::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a00:1", "::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1"],
  ...["fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2000::1%1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::1"],
  ...["3fff::1", "4000::1"],
];
const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.1",
  "172.15.0.1",
  "172.32.0.1",
  "223.255.255.254",
  "2606:4700::1111",
  "2a00:1450::1",
];
const NO_ADDRESS = ["", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "1.2.3", "1.2.3.4.5", "[::1]", "8.8.8.8 ", "8.8.8.8/32"];

describe("createAddressPolicy", () => {
  const policy = createAddressPolicy();

  it.each(PRIVATE)("[H7] refuses %s", (address) => expect(policy.allows(address)).toBe(false));
  it.each(PUBLIC)("[H7] allows %s", (address) => expect(policy.allows(address)).toBe(true));
  it.each(NO_ADDRESS)("[H7] refuses the text “%s”", (address) => expect(policy.allows(address)).toBe(false));

  it("[H7] allows what the administrator has listed, and nothing beside it", () => {
    const listed = createAddressPolicy(["10.1.0.0/16", "127.0.0.1", "fd00::/8"]);
    expect(["10.1.2.3", "127.0.0.1", "fd12::1", "8.8.8.8"].filter((address) => !listed.allows(address))).toEqual([]);
    expect(["10.2.0.1", "127.0.0.2", "fe80::1", "169.254.169.254", "fd12::1%eth0"].filter((address) => listed.allows(address))).toEqual([]);
  });

  it.each(["localhost", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/8/8", "fe80::1%1"])(
    "[H7] does not accept the exception %s",
    (range) => {
      expect(() => createAddressPolicy([range])).toThrow("is not an address or a range");
    },
  );
});

describe("resolveHost", () => {
  it("[H7] returns the address of a text that is one, with or without brackets, if it is allowed", async () => {
    const policy = createAddressPolicy();
    expect(await resolveHost("8.8.8.8", { policy })).toEqual([{ address: "8.8.8.8", family: 4 }]);
    expect(await resolveHost("[2606:4700::1111]", { policy })).toEqual([{ address: "2606:4700::1111", family: 6 }]);
    for (const host of ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"])
      await expect(resolveHost(host, { policy })).rejects.toThrow(HostRefusedError);
  });

  it("[H7] resolves names of the machine only if the administrator allows some addresses, and checks each address of a name", async () => {
    await expect(resolveHost("localhost", { policy: createAddressPolicy() })).rejects.toThrow(HostRefusedError);
    await expect(resolveHost("localhost", { policy: createAddressPolicy(["10.0.0.0/8"]) })).rejects.toThrow("not public");
    const found = await resolveHost("localhost", { policy: createAddressPolicy(["127.0.0.0/8", "::1"]) });
    expect(found.map(({ address }) => address).filter((address) => address !== "127.0.0.1" && address !== "::1")).toEqual([]);
  });

  it("[H7] a name that does not exist is refused", async () => {
    await expect(resolveHost("does-not-exist.invalid", { policy: createAddressPolicy(["127.0.0.0/8"]) })).rejects.toThrow(
      "cannot be resolved",
    );
  });
});
