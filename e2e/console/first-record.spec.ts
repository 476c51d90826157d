import { expect, test } from "playwright/test";
import { ADMIN, signIn } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

test("from an empty data folder to a live record in the console, by keyboard and pointer, seen by a second browser and an external client", async ({
  page,
  browser,
}) => {
  const server = await startServer();
  try {
    // By keyboard: create the account, name the data, and arrive at the connected console.
    await page.goto(server.setupUrl ?? "");
    await page.getByLabel("Your name").focus();
    await page.keyboard.type(ADMIN.name);
    await page.keyboard.press("Tab");
    await page.keyboard.type(ADMIN.email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(ADMIN.password);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "What are you storing?" })).toBeVisible();
    await expect(page.getByLabel("What are you storing?")).toBeFocused();
    await page.keyboard.type("Temperature readings");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/p\/[^/]+\/endpoints\/[^/]+\/live$/);
    await expect(page.getByText("Live", { exact: true }).last()).toBeVisible();

    // The curl command on the page has the URL that external clients use.
    const curl = await page.getByText(/^curl /).innerText();
    const address = /'(http[^']+)'/.exec(curl.replaceAll("\n", ""))?.[1] ?? "";
    const outside = await openStream(address.replace(/^http/, "ws"));
    const context = await browser.newContext();
    const second = await context.newPage();
    await signIn(second, server);
    await second.goto(page.url());
    await expect(second.getByText("Waiting for the first record")).toBeVisible();

    // By pointer.
    await page.getByRole("button", { name: "Send test record" }).click();
    const message = await outside.until(({ type }) => type === "POST");
    for (const watching of [page, second]) {
      const row = watching.getByRole("row", { name: /create/ });
      await expect(row).toHaveCount(1);
      await expect(row).toContainText(message.record.uniqueId.slice(-8));
    }

    // And from an external client, to all three.
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"from":"outside","°C":21.5}',
    });
    expect(response.status).toBe(201);
    const { uniqueId } = (await response.json()) as { uniqueId: string };
    expect((await outside.until(({ record }) => record.uniqueId === uniqueId)).record.data).toEqual({ from: "outside", "°C": 21.5 });
    for (const watching of [page, second]) await expect(watching.getByRole("row", { name: new RegExp(uniqueId.slice(-8)) })).toBeVisible();
    outside.close();
    await context.close();
  } finally {
    await server.dispose();
  }
});
