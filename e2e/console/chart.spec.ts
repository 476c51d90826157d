/** The chart above the console's list, and the range of time that it selects (G27.21, G30.5). */
import AxeBuilder from "@axe-core/playwright";
import { type Page, expect as plainExpect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { connectToDatabase } from "../support/database";
import { type RunningServer, startServer } from "../support/server";

/** Each page loads a worker, which reads the log before it connects. */
const expect = plainExpect.configure({ timeout: 30_000 });

const COUNT = 5_000;

/** The changes are of consecutive seconds, the last one of now; each tenth is a deletion. */
async function openLog(page: Page, server: RunningServer): Promise<string> {
  const { project, endpoint } = await signUpFirstAdmin(page, server);
  const db = await connectToDatabase(server.dataDir);
  await db.query(
    `INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
     SELECT $1::uuid, n, (CASE WHEN n % 10 = 0 THEN 'DELETE' ELSE 'POST' END)::"ChangeType", md5(n::text)::uuid, json_build_object('n', n), 1, t, t, t
     FROM (SELECT n, now() - ($2::int - n) * interval '1 second' AS t FROM generate_series(1, $2::int) n) s`,
    [endpoint.id, COUNT],
  );
  await db.query(`UPDATE "Endpoint" SET "seq" = $2 WHERE "id" = $1::uuid`, [endpoint.id, COUNT]);
  await db.end();
  const console = `${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`;
  await page.goto(console);
  await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible();
  return console;
}

const chart = (page: Page) => page.getByRole("region", { name: "Changes over time" });
const plot = (page: Page) => page.getByRole("slider", { name: "Time" });
const rows = (page: Page) => page.getByRole("grid", { name: "Changes" }).getByRole("row", { name: /"n"/ });
const chip = (page: Page) => page.getByRole("button", { name: /^Clear the time: / });

async function findViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** Drags over a part of the chart; 0 is its left end and 1 its right end. */
async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = await plot(page).boundingBox();
  if (!box) throw new Error("The chart is not visible.");
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * ((from + to) / 2), y);
  await page.mouse.move(box.x + box.width * to, y);
  await page.mouse.up();
}

test("[G30.5] the chart has a scale, an axis and the counts of each step, and a drag over it selects a time", async ({ page }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    await openLog(page, server);
    await expect(chart(page).getByText("per 1 s")).toBeVisible();
    await expect(chart(page).locator("rect").nth(30)).toBeAttached();
    await expect(
      chart(page)
        .getByText(/^\d\d:\d\d:\d\d$/)
        .first(),
    ).toBeVisible();
    const box = await plot(page).boundingBox();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) * 0.4, (box?.y ?? 0) + 10);
    await expect(chart(page).getByText(/^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d: 1 change, 1 (created|deleted)$/)).toBeVisible();

    await drag(page, 0.25, 0.4);
    await expect(chip(page)).toBeVisible();
    await expect(page).toHaveURL(/time=/);
    await expect.poll(() => rows(page).count()).toBeGreaterThanOrEqual(9);
    expect(await rows(page).count()).toBeLessThanOrEqual(11);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await expect.poll(() => findViolations(page)).toEqual([]);
    }
    const shown = await rows(page).allTextContents();

    await page.reload();
    await expect(chip(page)).toBeVisible();
    await expect.poll(() => rows(page).allTextContents()).toEqual(shown);
    await chip(page).click();
    await expect(page).not.toHaveURL(/time=/);
    await expect.poll(() => rows(page).count()).toBeGreaterThan(15);
  } finally {
    await server.dispose();
  }
});

test("[G30.5] a time of which nothing is loaded is searched in the log", async ({ page }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    await openLog(page, server);
    await chart(page).getByLabel("Time shown").selectOption("3 h");
    await expect(page).toHaveURL(/span=10800/);
    await expect(chart(page).getByText("per 3 min")).toBeVisible();
    await drag(page, 0.8, 0.805);
    // The search reads only this part of the log.
    await expect(page.getByText(/\d+ found · searched/)).toBeVisible();
    await expect(rows(page).first()).toBeVisible();
    await page.getByRole("grid", { name: "Changes" }).focus();
    await page.keyboard.press("Escape");
    await expect(chip(page)).toHaveCount(0);
  } finally {
    await server.dispose();
  }
});

test("[G30.5] the keyboard moves over the chart, selects, filters and clears", async ({ page }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    await openLog(page, server);
    await plot(page).focus();
    await page.keyboard.press("Home");
    await expect(plot(page)).toHaveAttribute("aria-valuenow", "0");
    await page.keyboard.press("PageUp");
    await expect(plot(page)).toHaveAttribute("aria-valuenow", "10");
    for (let step = 0; step < 4; step += 1) await page.keyboard.press("Shift+ArrowRight");
    await expect(plot(page)).toHaveAttribute("aria-valuetext", /: 5 changes, 4 created, 1 deleted$|: 5 changes, 5 created$/);
    await page.keyboard.press("Enter");
    await expect(chip(page)).toBeVisible();
    await expect.poll(() => rows(page).count()).toBe(5);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("slider");
    await page.keyboard.press("Escape");
    await expect(chip(page)).toHaveCount(0);
    await expect(plot(page)).toBeFocused();
  } finally {
    await server.dispose();
  }
});

test("[G27.21] a typed time of this computer becomes a range of the filter", async ({ page }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    await openLog(page, server);
    const filter = page.getByLabel("Filter", { exact: true });
    await filter.fill("op:create time:10 min..");
    await expect(page.getByText(/Column 16: /)).toBeVisible();
    await filter.fill("op:create time:10min..");
    await expect(page.getByText(/^Press Enter to show since /)).toBeVisible();
    await page.keyboard.press("Enter");
    await expect(chip(page)).toBeVisible();
    await expect(filter).toHaveValue("op:create");

    await page.getByRole("button", { name: "Go to a place in the log" }).click();
    await page.getByLabel("Time, age, seq or cursor").fill("5 min..4 min");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await expect(chip(page)).toHaveAccessibleName(/ to /);
    await expect(page.getByText(/^5[34] found/)).toBeVisible();
  } finally {
    await server.dispose();
  }
});
