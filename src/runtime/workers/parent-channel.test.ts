import { describe, expect, test } from "vitest";
import type { ToParent } from "./messages";
import { createParentChannel } from "./parent-channel";

function createChannel(hasPeers = true) {
  const sent: ToParent[] = [];
  const channel = createParentChannel((message) => sent.push(message), { hasPeers: () => hasPeers });
  return { channel, sent };
}

const attempt = { account: "ada", address: "192.0.2.1" };

describe("the channel of a worker to its parent process", () => {
  test("[W28] [L1] a login waits for the verdict of the parent, and is refused with its error", async () => {
    const { channel, sent } = createChannel();
    const [first, second] = [channel.loginLimiter.begin(attempt), channel.loginLimiter.begin(attempt)];
    const ids = sent.map((message) => (message.kind === "call" ? message.id : undefined));
    expect(sent).toEqual(ids.map((id) => ({ kind: "call", id, method: "begin", attempt })));
    channel.receive({ kind: "returned", id: ids[1] ?? 0, refusal: { detail: "Too many attempts.", retryAfterSeconds: 60 } });
    channel.receive({ kind: "returned", id: ids[0] ?? 0 });
    await expect(first).resolves.toBeUndefined();
    await expect(second).rejects.toMatchObject({ code: "rate_limited", message: "Too many attempts.", retryAfterSeconds: 60 });
  });

  test("[W28] responds to a fence after the messages before it", () => {
    const { channel, sent } = createChannel();
    const order: string[] = [];
    channel.link.open({ receive: (text) => order.push(text, `${sent.length} responses`), joined: () => undefined });
    channel.receive({ kind: "bus", text: "before" });
    channel.receive({ kind: "fence", id: 7 });
    expect(order).toEqual(["before", "0 responses"]);
    expect(sent).toEqual([{ kind: "fenced", id: 7 }]);
  });

  test("[W28] a fence resolves when the parent reports that all others have passed it", async () => {
    const { channel, sent } = createChannel();
    const fence = channel.link.fence?.();
    const [message] = sent;
    if (message?.kind !== "fence") throw new Error("No fence was sent.");
    channel.receive({ kind: "fenced", id: message.id });
    await expect(fence).resolves.toBeUndefined();
  });

  test("[W28] the only worker does not report changes of logs, but reports everything else", () => {
    const { channel, sent } = createChannel(false);
    channel.link.send("logs", true);
    channel.link.send("revocation", false);
    expect(sent).toEqual([{ kind: "bus", text: "revocation", isHint: false }]);
  });

  test("[W28] leaves other messages to its caller", () => {
    const { channel } = createChannel();
    expect(channel.receive({ kind: "drain" })).toBe(false);
    expect(channel.receive({ kind: "counts", counts: { gauges: [], tallies: [] } })).toBe(true);
  });
});
