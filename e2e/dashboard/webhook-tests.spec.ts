/** Test events of webhooks in the dashboard (H8), and a replay from a time (H1). */
import { expect, type Page, test } from "playwright/test";
import { OK, respondWith, startReceiver } from "@/tests/support/webhooks/webhook-receiver";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

/** A minute ago, as the field for a time has it. Runs in the browser, in its time zone. */
function toLocalMinuteAgo(): string {
  const ago = new Date(Date.now() - 60_000);
  return new Date(ago.getTime() - ago.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** By the keyboard alone. */
async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).focus();
  await page.keyboard.press("Enter");
}

test("[H1] [H8] a test event shows what the receiver did, and a replay sends the changes since a time again", async ({ page }) => {
  test.setTimeout(120_000);
  const receiver = await startReceiver();
  const server = await startServer({ env: { RESTED_WEBHOOK_HTTP: "1", RESTED_OUTBOUND_ALLOWED: "127.0.0.1" } });
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const created = await page.request.post(`${server.url}/api/manage/projects/${project.id}/webhooks`, {
      headers: { Origin: server.url },
      data: { url: receiver.url },
    });
    expect(created.status()).toBe(201);
    const { id } = await created.json();
    await page.goto(`${server.url}/p/${project.id}/webhooks/${id}`);
    await expect(page.getByText(/ by Ada/)).toBeVisible();
    const result = page.getByRole("status").filter({ hasText: "Test event" });

    await press(page, "Send test event");
    await expect(result).toHaveText(/^Test event delivered: the receiver responded with 204 after \d+ ms\.$/);
    expect(receiver.received.map(({ event }) => event.type)).toEqual(["TEST"]);

    receiver.respond(respondWith(503));
    await press(page, "Send test event");
    await expect(result).toHaveText("Test event not delivered. The receiver responded with 503. Response: because of the test");

    receiver.respond((response) => void response.destroy());
    await press(page, "Send test event");
    await expect(result).toHaveText(
      "Test event not delivered. The receiver closed the connection without a response. Its log may say why. (ECONNRESET)",
    );

    await press(page, "Pause");
    await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
    receiver.respond(OK);
    await press(page, "Send test event");
    await expect(result).toHaveText(/^Test event delivered/);
    await expect(page.getByText("Nothing has been sent yet.")).toBeVisible();

    await press(page, "Resume");
    const answer = await fetch(`${server.url}/api/1/ce/${endpoint.name}?key=${key}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ t: 1 }),
    });
    expect(answer.status).toBe(201);
    const changes = () => receiver.received.filter(({ event }) => event.type === "POST");
    await expect.poll(() => changes().length).toBe(1);
    await expect(page.getByRole("row", { name: new RegExp(`#1 POST ${endpoint.name}.*Delivered`) })).toBeVisible();
    await press(page, "Replay");
    const replay = page.getByRole("dialog", { name: "Replay" });
    await replay.getByRole("radio", { name: "Time" }).check();
    await replay
      .getByLabel("Time", { exact: true })
      .last()
      .fill(await page.evaluate(toLocalMinuteAgo));
    await replay.getByRole("button", { name: "Replay" }).click();
    await expect(replay).toHaveCount(0);
    await expect.poll(() => changes().length).toBe(2);
    expect(changes()[1]?.id).toBe(changes()[0]?.id);
  } finally {
    await server.dispose();
    await receiver.close();
  }
});
