/** Tests which texts of mail servers are shown (M4). */
import { describe, expect, it } from "vitest";
import { toReason, toReply } from "./smtp-replies";

describe("replies", () => {
  it.each([
    ["250 accepted", "250 accepted"],
    ["250", "250"],
    ["550-5.7.1 No\r\n550 5.7.1 relaying", "550 5.7.1 No 5.7.1 relaying"],
    ["451 4.3.0 später\u0007\u202e now", "451 4.3.0 sp ter now"],
    [`550 ${"x".repeat(500)}`, `550 ${"x".repeat(146)}`],
  ])("[M4] %j is shown as %j", (response, shown) => {
    expect(toReply(response)).toBe(shown);
  });

  it.each([
    "SSH-2.0-OpenSSH_9.2p1 Debian",
    "HTTP/1.1 400 Bad Request",
    "-ERR unknown command",
    "",
    "250 a\nsecret",
    "250-a\n550 b",
    "650 x",
    "25 x",
  ])("[M4] %j is not a reply of SMTP, and is not shown", (response) => {
    expect(toReply(response)).toBeUndefined();
  });
});

it("[M4] reasons are fixed sentences, without names and addresses", () => {
  const message = "Hostname/IP does not match certificate's altnames: Host: a. is not in the cert's altnames: DNS:intern.corp.example";
  expect(toReason({ message })).toBe("Its certificate is for another host.");
  expect(toReason({ message: "connect", originalCode: "DEPTH_ZERO_SELF_SIGNED_CERT" })).toBe("");
  expect(toReason({ message: "self-signed certificate", originalCode: "DEPTH_ZERO_SELF_SIGNED_CERT" })).toBe(
    "Its certificate is self-signed.",
  );
  expect(toReason({ message: "Unexpected Response: SSH-2.0-x" })).toBe("");
});
