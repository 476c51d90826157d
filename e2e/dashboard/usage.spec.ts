import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

/** Counts are stored every ten seconds. */
const STORED = { timeout: 30_000 };

const findViolations = async (page: Page): Promise<string[]> => {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
};

test("[G31] [G32] requests are seen live with their changes, and their numbers in charts, tables, the overview and the list of projects", async ({
  page,
}) => {
  test.setTimeout(300_000);
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const url = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
    const post = (body: string) => fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body });

    await page.goto(`${server.url}/p/${project.id}`);
    await expect(page.getByText("No requests in the last hour.")).toBeVisible();
    await page.getByRole("link", { name: "Requests", exact: true }).click();
    await expect(page.getByText("No requests yet.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Stop recording" })).toBeVisible();
    const rows = page.getByRole("list", { name: "Requests, newest first" }).getByRole("button", { expanded: false });
    await expect(async () => {
      await post('{"temperature":21.5}');
      await expect(rows.first()).toContainText("POST", { timeout: 2_500 });
    }).toPass(STORED);
    const failed = await fetch(`${url}&limit=0`);
    await expect(rows.first()).toContainText("parameter_invalid");

    // By keyboard: down to the request that succeeded, and open it.
    await rows.first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(page.getByText("The change that it wrote")).toBeVisible();
    await expect(page.getByText('{"temperature":21.5}')).toBeVisible();
    await expect.poll(() => findViolations(page), { timeout: 40_000 }).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByRole("radio", { name: "Failed" }).check();
    await expect(rows).toHaveCount(1);
    await expect(page).toHaveURL(/outcome=error/);
    await rows.first().click();
    await expect(page.getByText(failed.headers.get("x-request-id") ?? "none")).toBeVisible();
    await page.getByRole("button", { name: /parameter_invalid ?: show only/ }).click();
    await expect(page).toHaveURL(/code=parameter_invalid/);
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    await page.getByRole("button", { name: "Stop recording" }).click();
    await expect(page.getByRole("button", { name: "Record", exact: true })).toBeVisible();

    await page.getByRole("link", { name: "Usage", exact: true }).click();
    const totals = page.getByLabel("Totals in the last hour");
    await expect(totals).toContainText(/Errors1/, STORED);
    const requests = page.getByRole("region", { name: "Requests", exact: true });
    await expect(requests.getByRole("img")).toHaveAccessibleName(/1 of them errors/);
    await expect(requests.locator("canvas")).toBeVisible();
    await requests.getByRole("button", { name: /Table\s+of Requests/ }).click();
    await expect(requests.getByRole("columnheader", { name: "Errors" })).toBeVisible();
    await expect(requests.getByRole("row")).not.toHaveCount(1);
    await expect(page.getByRole("row", { name: /parameter_invalid/ })).toBeVisible();
    await expect.poll(() => findViolations(page), { timeout: 40_000 }).toEqual([]);
    await page.getByRole("radio", { name: "30 days" }).check();
    await expect(page.getByLabel("Totals in the last 30 days")).toContainText(/Errors1/);
    await page.getByRole("button", { name: new RegExp(`^${endpoint.name} ?: show only this`) }).click();
    await expect(page.getByRole("combobox", { name: "Endpoint" })).toHaveValue(endpoint.id);
    await page.reload();
    await expect(page.getByLabel("Totals in the last 30 days")).toContainText(/Errors1/);

    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await expect(page.getByRole("link", { name: /in the last hour, 99 % within/ })).toBeVisible();
    await page.getByRole("link", { name: "parameter_invalid" }).first().click();
    await expect(page).toHaveURL(/requests\?requestId=/);
    await expect(rows).toHaveCount(1);
    await page.goto(`${server.url}/projects`);
    await expect(page.getByRole("listitem").filter({ hasText: "1 error" })).toBeVisible();
  } finally {
    await server.dispose();
  }
});

test("[G31] the checklist is done by streams of any program, and does not make the overview jump", async ({ page }) => {
  test.setTimeout(120_000);
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const url = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
    await page.goto(`${server.url}/p/${project.id}`);
    const steps = page.getByRole("region", { name: "First steps" });
    await expect(steps.getByText("Store a record from your own code (to do)")).toBeVisible();
    // Reading uses the key, and stores nothing. The page is not loaded again.
    await fetch(url);
    await openStream(url.replace(/^http/, "ws"));
    await expect(steps.getByText("Stream changes (done)")).toBeVisible(STORED);
    await expect(steps.getByText("Store a record from your own code (to do)")).toBeVisible();
    await fetch(url, {
      method: "POST",
      body: '"a"',
      headers: { "Content-Type": "application/json" },
    });
    await page.goto(`${server.url}/p/${project.id}`);
    await expect(page.getByRole("region", { name: "First steps" })).toBeHidden(STORED);
    await page.addInitScript(() => {
      Reflect.set(window, "shifts", []);
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) Reflect.get(window, "shifts").push(Reflect.get(entry, "value"));
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(`${server.url}/p/${project.id}`);
    await expect(page.getByRole("heading", { name: "Endpoints" })).toBeVisible();
    await page.waitForLoadState("networkidle");
    const shifts = await page.evaluate<number[]>(() => Reflect.get(window, "shifts"));
    expect(shifts.reduce((sum, value) => sum + value, 0)).toBeLessThan(0.02);
  } finally {
    await server.dispose();
  }
});
