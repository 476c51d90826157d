/** Tests which addresses count as one client. */
import { describe, expect, test } from "vitest";
import { toClientAddress, toNetwork, toWideNetwork } from "./client-network";

describe("toNetwork", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["unknown", "unknown"],
  ])("%s counts as %s", (address, network) => {
    expect(toNetwork(address)).toBe(network);
  });
});

describe("toWideNetwork", () => {
  test.each([
    ["192.0.2.7", "192.0.2.0/24"],
    ["::ffff:192.0.2.7", "192.0.2.0/24"],
    ["2001:db8:1:2::9", "2001:db8:1::/48"],
    ["2001:db8::1", "2001:db8:0::/48"],
    ["unknown", "unknown"],
  ])("[L9] %s counts as %s", (address, network) => {
    expect(toWideNetwork(address)).toBe(network);
  });
});

describe("toClientAddress", () => {
  test("the forwarding header that the server accepted takes precedence over the socket's address", () => {
    const socket = { remoteAddress: "10.0.0.1" };
    expect(toClientAddress({ headers: { "x-forwarded-for": "192.0.2.7" }, socket })).toBe("192.0.2.7");
    expect(toClientAddress({ headers: {}, socket })).toBe("10.0.0.1");
    expect(toClientAddress({ headers: { "x-forwarded-for": "" }, socket: { remoteAddress: undefined } })).toBe("unknown");
  });
});
