import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

const DATA = { room: "kitchen", temperature: 21.5, device: { id: "sensor-1", battery: 90 } };

/** Opens the console of an endpoint with so many records. */
async function openConsole(page: Page, server: RunningServer, records: number): Promise<{ post: () => Promise<void> }> {
  const { project, endpoint, key } = await signUpFirstAdmin(page, server);
  const rows = Array.from({ length: records }, (_, n) => JSON.stringify({ ...DATA, n })).join("\n");
  const imported = await page.request.post(`${server.url}/api/manage/endpoints/${endpoint.id}/import`, {
    headers: { Origin: server.url, "Content-Type": "application/x-ndjson" },
    data: rows,
  });
  expect(imported.status()).toBe(201);
  await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
  await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible();
  const headers = { "Content-Type": "application/json" };
  const post = async () => {
    await fetch(`${server.url}/api/1/ce/${endpoint.name}?key=${key}`, { method: "POST", headers, body: JSON.stringify(DATA) });
  };
  return { post };
}

const grid = (page: Page) => page.getByRole("grid", { name: "Changes" });
const isFocused = (page: Page, selector: string) => page.evaluate((at) => document.activeElement?.matches(at), selector);

async function findViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

test("axe finds nothing in any state of the console, light and dark, wide and narrow", async ({ page }) => {
  test.setTimeout(600_000);
  const server = await startServer();
  try {
    const { post } = await openConsole(page, server, 60);
    const expectClean = async (state: string) => {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await expect.poll(() => findViolations(page), { message: `${state} ${colorScheme}`, timeout: 60_000 }).toEqual([]);
      }
    };
    for (const width of [1440, 768, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await expectClean(`following, ${width}`);
      await page.getByRole("button", { name: "Pause" }).click();
      await post();
      await expect(page.getByText("1 buffered")).toBeVisible();
      await expectClean(`paused, ${width}`);
      await page.getByRole("button", { name: "Resume" }).click();
      await grid(page).getByRole("row").last().click();
      await expect(page.getByRole("region", { name: "Details" })).toBeVisible();
      await expectClean(`details, ${width}`);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Send a request…" }).click();
      await expectClean(`composer, ${width}`);
      await page.getByRole("button", { name: "Send a request", exact: true }).click();
      await page.getByRole("searchbox").fill("nothing has this");
      await expect(page.getByText(/^No changes match/)).toBeVisible();
      await expectClean(`nothing matches, ${width}`);
      await page.getByLabel("Clear filter").click();
    }
  } finally {
    await server.dispose();
  }
});

test("[G30] the list is one tab stop, loads older changes by keyboard, and keeps the focus", async ({ page }) => {
  const server = await startServer();
  try {
    await openConsole(page, server, 900);
    await grid(page).focus();
    await expect(
      page.locator("[data-console-grid] [tabindex='0'], [data-console-grid] a, [data-console-grid] button:not([tabindex])"),
    ).toHaveCount(0);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.closest("[data-console-grid]"))).toBeNull();
    await page.keyboard.press("Shift+Tab");
    expect(await isFocused(page, "[data-console-grid]")).toBe(true);

    await expect(grid(page)).toHaveAttribute("aria-rowcount", "201");
    await page.keyboard.press("o");
    await expect(grid(page)).toHaveAttribute("aria-rowcount", "701");
    await page.keyboard.press("Home");
    await expect(grid(page)).toHaveAttribute("aria-rowcount", "901");
    await page.keyboard.press("Home");
    await expect(page.getByText("Start of the log")).toBeVisible();
    await page.keyboard.press("End");
    expect(await isFocused(page, "[data-console-grid]")).toBe(true);

    await page.getByRole("button", { name: "Pause" }).focus();
    await page.keyboard.press("Enter");
    await expect(page.getByText(/^Paused/)).toBeVisible();
    await expect(page.getByRole("button", { name: "Resume" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: "Pause" })).toBeFocused();
  } finally {
    await server.dispose();
  }
});

test("after the details of the last row are closed, the list follows again", async ({ page }) => {
  const server = await startServer();
  try {
    const { post } = await openConsole(page, server, 300);
    await grid(page).getByRole("row").last().click();
    await expect(page.getByRole("region", { name: "Details" })).toBeVisible();
    await page.keyboard.press("Escape");
    await post();
    await expect(page.getByRole("button", { name: /new ↓/ })).toHaveCount(0);
    await expect(grid(page).getByRole("row").last()).toHaveAttribute("aria-rowindex", "202");
  } finally {
    await server.dispose();
  }
});

test("on a tablet, the data has at least half of the list, and values stand out from keys", async ({ page }) => {
  const server = await startServer();
  try {
    await page.setViewportSize({ width: 768, height: 900 });
    await openConsole(page, server, 20);
    const row = grid(page).getByRole("row").last();
    const cell = row.getByRole("gridcell").filter({ hasText: "kitchen" });
    await expect(cell).toBeVisible();
    const [list, data] = [await grid(page).boundingBox(), await cell.boundingBox()];
    expect((data?.width ?? 0) / (list?.width ?? 1)).toBeGreaterThanOrEqual(0.5);
    await expect(grid(page).getByRole("columnheader", { name: "Size" })).toHaveCount(0);
    await expect(grid(page).getByRole("columnheader", { name: "Record" })).toHaveCount(0);
    const muted = await cell.locator("span").allTextContents();
    expect(muted[0]).toBe('{"room": ');
    expect(muted.join("")).not.toContain("kitchen");
  } finally {
    await server.dispose();
  }
});
