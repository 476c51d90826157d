import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

test.describe.configure({ mode: "serial" });

let server: RunningServer;
let page: Page;
let pageUrl: string;
let dataUrl: string;

test.beforeAll(async ({ browser }) => {
  server = await startServer();
  page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  const { project, endpoint, key } = await signUpFirstAdmin(page, server, "orders");
  pageUrl = `${server.url}/p/${project.id}/endpoints/${endpoint.id}/records`;
  dataUrl = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
  const body = JSON.stringify(
    Array.from({ length: 250 }, (_, number) => (number === 0 ? [1] : { number, status: number % 2 === 0 ? "open" : "held" })),
  );
  await fetch(`${dataUrl}&bulk=true`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
});
test.afterAll(() => server?.dispose());

const dialog = () => page.getByRole("dialog");
const rows = () => page.getByRole("grid", { name: "Records" }).getByRole("row");
const countStatus = async (status: string) =>
  ((await (await fetch(dataUrl)).json()) as { data: { status?: string } }[]).filter(({ data }) => data.status === status).length;

test("[G40] fields of all matching records are changed, after a preview", async () => {
  await page.goto(`${pageUrl}?filter=${encodeURIComponent("status = open")}`);
  await expect(rows().nth(1)).toBeVisible();
  await page.getByRole("button", { name: "Change fields…" }).click();
  await dialog().getByLabel("Field").fill("status..x");
  await dialog().getByLabel("Value").fill("done");
  await page.keyboard.press("Enter");
  await expect(dialog().getByRole("alert").filter({ hasText: "column 7" })).toBeVisible();
  await dialog().getByLabel("Field").fill("status");
  await page.keyboard.press("Enter");
  await expect(dialog().getByText("124 records match.")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([]);
  const first = dialog().getByRole("list", { name: "First records" });
  await expect(first.getByRole("listitem")).toHaveCount(10);
  await expect(first.getByRole("listitem").first()).toContainText('status: "open" → "done"');
  expect(await countStatus("done")).toBe(0);
  await dialog().getByRole("button", { name: "Change 124 records" }).click();
  await expect(dialog().getByText("Changed 124 records.")).toBeVisible();
  expect([await countStatus("done"), await countStatus("held")]).toEqual([124, 125]);
  await dialog().getByRole("button", { name: "Close" }).last().click();
  await expect(page.getByText("No records match.")).toBeVisible();
});

test("[G40] records that cannot be changed are listed and opened, and a run can be stopped", async () => {
  await page.goto(pageUrl);
  await expect(rows().nth(1)).toBeVisible();
  // The run waits after its first batch, so that it is stopped there.
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let batches = 0;
  await page.route("**/records/update", async (route) => {
    batches += 1;
    if (batches === 2) await held;
    await route.continue();
  });
  await page.getByRole("button", { name: "Change fields…" }).click();
  await dialog().getByLabel("Field").fill("flag");
  await dialog().getByLabel("Value").fill("true");
  await dialog().getByRole("button", { name: "Preview" }).click();
  await dialog().getByRole("button", { name: "Change 250 records" }).click();
  await expect(dialog().getByText("100 of 250…")).toBeVisible();
  await dialog().getByRole("button", { name: "Stop" }).click();
  release();
  await expect(dialog().getByText(/Changed 199 records\. 1 couldn’t be changed\. Stopped\./)).toBeVisible();
  await dialog().getByRole("button", { name: "Continue" }).click();
  await expect(dialog().getByText("Changed 249 records. 1 couldn’t be changed.")).toBeVisible();
  await dialog().getByRole("list", { name: "Records that couldn’t be changed" }).getByRole("button").click();
  await expect(page.getByRole("region", { name: "Record", exact: true })).toContainText("1");
  await page.unroute("**/records/update");
});

test("[G42] a view keeps filters, order and columns for the team", async ({ browser }) => {
  await page.goto(`${pageUrl}?filter=${encodeURIComponent("status = held")}&sort=updated`);
  await expect(rows().nth(1)).toBeVisible();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("button", { name: "Created", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("button", { name: "Save as a new view…" }).click();
  await dialog().getByLabel("Name").fill("Held orders");
  await page.keyboard.press("Enter");
  await expect(page.getByText("View “Held orders” saved.")).toBeVisible();
  // In another browser of the same team.
  const other = await (await browser.newContext({ storageState: await page.context().storageState() })).newPage();
  await other.goto(pageUrl);
  await other.evaluate(() => localStorage.clear());
  await other.reload();
  const grid = other.getByRole("grid", { name: "Records" });
  await expect(grid.getByRole("columnheader", { name: "Created" })).toBeVisible();
  await other.getByRole("button", { name: "Views" }).click();
  await other.getByRole("button", { name: "Held orders", exact: true }).click();
  await expect(other.getByRole("button", { name: "Remove filter status = held" })).toBeVisible();
  await expect(grid.getByRole("columnheader", { name: "Created" })).toHaveCount(0);
  await expect(grid.getByRole("columnheader", { name: "Updated" })).toHaveAttribute("aria-sort", "ascending");
  await other.close();
  await page.getByRole("button", { name: /^Held orders ?, views$/ }).click();
  await page.getByRole("button", { name: "Delete “Held orders”…" }).click();
  await dialog().getByRole("button", { name: "Delete view" }).click();
  await expect(page.getByRole("button", { name: "Views" })).toBeVisible();
});
