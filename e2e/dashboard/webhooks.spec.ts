import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { Webhook } from "standardwebhooks";
import { OK, respondWith, startReceiver } from "@/tests/support/webhooks/webhook-receiver";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const findViolations = async (page: Page): Promise<string[]> => {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
};

test("[H1] [H5] [H6] a webhook is created with a secret that verifies, its deliveries are listed, sent again, paused and replayed", async ({
  page,
}) => {
  test.setTimeout(120_000);
  const receiver = await startReceiver();
  const server = await startServer({ env: { RESTED_WEBHOOK_HTTP: "1", RESTED_OUTBOUND_ALLOWED: "127.0.0.1" } });
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const post = (data: unknown) =>
      fetch(`${server.url}/api/1/ce/${endpoint.name}?key=${key}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(data),
      });
    await page.goto(`${server.url}/p/${project.id}`);
    await page.getByRole("link", { name: "Webhooks" }).click();
    await expect(page.getByText("No webhooks yet. A webhook sends each change to a URL that you choose.")).toBeVisible();

    await page.getByRole("button", { name: "Create webhook" }).first().click();
    const create = page.getByRole("dialog", { name: "Create a webhook" });
    await create.getByLabel("URL").fill("https://127.0.0.2/hooks");
    await create.getByRole("button", { name: "Create webhook" }).click();
    await expect(create.getByLabel("URL")).toHaveAccessibleDescription(/Use a public address/);
    await create.getByLabel("URL").fill(receiver.url);
    await create.getByRole("radio", { name: "Some endpoints" }).check();
    await create.getByRole("checkbox", { name: endpoint.name }).check();
    await create.getByRole("checkbox", { name: /DELETE/ }).uncheck();
    await create.getByLabel("Filter").fill("data.t > 0");
    await create.getByRole("button", { name: "Create webhook" }).click();
    const shown = page.getByRole("dialog", { name: "Your webhook’s secret" });
    await expect(shown).toContainText("whsec_");
    const secret = /whsec_[\w+/]{43}=/.exec(await shown.innerText())?.[0] ?? "";
    await shown.getByRole("button", { name: "Copy the secret" }).click();
    await shown.getByRole("button", { name: "Done" }).click();

    await post({ t: 1 });
    await post({ t: 0 });
    const [first] = await receiver.take(1);
    expect(new Webhook(secret).verify(first?.text ?? "", first?.headers ?? {})).toMatchObject({ type: "POST", record: { data: { t: 1 } } });
    await page.getByRole("link", { name: receiver.url }).click();
    await expect(page.getByRole("heading", { name: `127.0.0.1:${receiver.port}` })).toBeVisible();
    await expect(page.getByRole("row", { name: new RegExp(`#1 POST ${endpoint.name}.*Delivered`) })).toBeVisible();
    await expect(page.getByText("whsec_")).toHaveCount(0);

    receiver.respond(respondWith(500));
    await post({ t: 2 });
    const failing = page.getByRole("row", { name: /#3.*Retrying.*500/ });
    await failing.getByRole("button").click();
    const delivery = page.getByRole("dialog", { name: "Delivery" });
    await expect(delivery).toContainText("The receiver responded with 500.");
    await expect(delivery).toContainText("because of the test");
    receiver.respond(OK);
    await delivery.getByRole("button", { name: "Send again" }).click();
    await expect(page.getByRole("row", { name: /#3.*Delivered/ })).toBeVisible();

    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.getByText("Paused by you. It resumes where it stopped.")).toBeVisible();
    await post({ t: 3 });
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    const replay = page.getByRole("dialog", { name: "Replay" });
    await replay.getByRole("radio", { name: "Now" }).check();
    await replay.getByRole("button", { name: "Skip" }).click();
    await expect(replay).toHaveCount(0);
    await page.getByRole("button", { name: "Resume" }).click();
    await post({ t: 4 });
    await expect.poll(() => receiver.received.at(-1)?.event.record.data).toEqual({ t: 4 });
    expect(receiver.received.map(({ event }) => event.record.data)).not.toContainEqual({ t: 3 });

    const path = new URL(page.url()).pathname;
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        for (const each of [path, `/p/${project.id}/webhooks`]) {
          await page.goto(server.url + each);
          await expect.poll(() => findViolations(page), { message: `${each} ${colorScheme} ${width}`, timeout: 15_000 }).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
        }
      }
    }

    await page.goto(server.url + path);
    await page.getByRole("button", { name: "Delete webhook" }).click();
    const remove = page.getByRole("dialog", { name: "Delete webhook" });
    await remove.getByLabel("Name").fill(`127.0.0.1:${receiver.port}`);
    await remove.getByRole("button", { name: "Delete webhook" }).click();
    await expect(page.getByText("No webhooks yet. A webhook sends each change to a URL that you choose.")).toBeVisible();
  } finally {
    await server.dispose();
    await receiver.close();
  }
});
