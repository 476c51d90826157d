import { describe, expect, it } from "vitest";
import { shortenAddress, toPlainText, toShownPath } from "./shown-request";

describe("a request in the log", () => {
  it("[G32] shows its path without values that may be secret", () => {
    const url = "/api/1/ce/a/b?key=K1&masterKey=M2&uniqueId=abc&accessToken=T3&ticket=T4&fileToken=T5&limit=5&own=x&%6Bey=K6";
    expect(toShownPath(url)).toBe("/api/1/ce/a/b?key=…&masterKey=…&uniqueId=abc&accessToken=…&ticket=…&fileToken=…&limit=5&own=…&%6Bey=…");
    expect(toShownPath("/api/1/ce/users?login=true&code=123456&reset=secret")).toBe("/api/1/ce/users?login=true&code=…&reset=…");
    expect(toShownPath("/api/1/ce/a?averylongtokenwithoutanyname")).toBe("/api/1/ce/a?…");
    expect(toShownPath("/api/1/ce/a?dG9rZW4gd2l0aG91dCBhIG5hbWU=&a=1")).toBe("/api/1/ce/a?…=…&a=…");
    expect(toShownPath("/api/1/ce/a")).toBe("/api/1/ce/a");
  });

  it("[G32] is bounded, and is text that the database can store", () => {
    expect(toShownPath(`/api/1/ce/${"a".repeat(5_000)}?key=${"b".repeat(50_000)}`)).toHaveLength(500);
    expect(toPlainText("a\0b\uD800c\u{1F600}", 50)).toBe("a\uFFFDb\uFFFDc\u{1F600}");
    expect(toPlainText("\u{1F600}", 1)).toBe("\uFFFD");
  });

  it("[G32] shows addresses without their last part", () => {
    expect(shortenAddress("203.0.113.77")).toBe("203.0.113.0/24");
    expect(shortenAddress("::ffff:203.0.113.77")).toBe("203.0.113.0/24");
    expect(shortenAddress("2001:DB8:1:2:3:4:5:6")).toBe("2001:db8:1::/48");
    expect(shortenAddress("::1")).toBe("::/48");
    expect(shortenAddress("unknown")).toBe("unknown");
  });
});
