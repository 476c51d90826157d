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
});
test.afterAll(() => server?.dispose());

const grid = () => page.getByRole("grid", { name: "Records" });
const rows = () => grid().getByRole("row");
const head = (name: string) => grid().getByRole("columnheader", { name });
const focused = () =>
  page.evaluate(() => {
    const id = document.activeElement?.getAttribute("aria-activedescendant");
    return id ? (document.getElementById(id)?.textContent ?? "") : "";
  });
const post = async (body: string): Promise<string> => {
  const headers = { "Content-Type": "application/json" };
  const { uniqueId } = await (await fetch(dataUrl, { method: "POST", headers, body })).json();
  return uniqueId;
};
const put = (uniqueId: string, body: string) =>
  fetch(`${dataUrl}&uniqueId=${uniqueId}`, { method: "PUT", headers: { "Content-Type": "application/json" }, body });
const readTexts = async () => (await (await fetch(`${dataUrl}&noUserIds=true`)).text()) ?? "";
let ids: string[];

test("[G13] values of different types look different, and the times stay in view beside an open record", async () => {
  ids = [];
  for (let number = 1; number <= 3; number += 1)
    ids.push(await post(`{"price":${number}.50,"looks":"20","status":"open","done":false,"at":{"x":1}}`));
  await page.goto(pageUrl);
  await expect(rows()).toHaveCount(4);
  const cell = (text: string) => rows().nth(1).getByRole("gridcell", { name: text, exact: true });
  await expect(cell('"20"')).toBeVisible();
  await expect(cell("3.50")).toHaveCSS("text-align", "right");
  await expect(cell("{x: 1}")).toBeVisible();
  await rows()
    .nth(1)
    .getByText(`…${ids[2]?.slice(-8)}`)
    .click();
  await expect(page.getByRole("region", { name: "Record", exact: true })).toBeVisible();
  for (const name of ["Created", "Updated"]) {
    const box = await head(name).boundingBox();
    const panel = await page.getByRole("complementary", { name: "Details" }).boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual((panel?.x ?? 0) + 1);
  }
  await page.getByRole("button", { name: "Close record" }).click();
});

test("[F25] columns are sorted, resized and moved by keyboard, and the choice is kept", async () => {
  await head("Updated").click();
  await expect(head("Updated")).toHaveAttribute("aria-sort", "descending");
  await grid().focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  expect(await focused()).toMatch(/^price/);
  await page.keyboard.press("Enter");
  await expect(head("price")).toHaveAttribute("aria-sort", "ascending");
  await expect(rows().nth(1)).toContainText("1.50");
  const before = (await head("price").boundingBox())?.width ?? 0;
  await page.keyboard.press("Shift+ArrowRight");
  await expect.poll(async () => (await head("price").boundingBox())?.width).toBeCloseTo(before + 16, 0);
  await page.keyboard.press("Control+ArrowRight");
  expect(await focused()).toMatch(/^price/);
  const names = () => grid().getByRole("columnheader").allTextContents();
  await expect.poll(names).toEqual(["Selected", "Record", "looks", "price ↑", "status", "done", "at", "Created", "Updated"]);
  await page.reload();
  await expect(rows()).toHaveCount(4);
  await expect.poll(names).toEqual(["Selected", "Record", "looks", "price", "status", "done", "at", "Created", "Updated ↓"]);
  await expect.poll(async () => (await head("price").boundingBox())?.width).toBeCloseTo(before + 16, 0);
});

test("[G41] cells of several records are edited, undone and saved together by keyboard", async () => {
  await grid().focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Home");
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("ArrowRight");
  expect(await focused()).toBe("open");
  await page.keyboard.press("F2");
  const editor = page.getByRole("textbox", { name: "status, new value" });
  await expect(editor).toBeFocused();
  await page.keyboard.insertText("done");
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 change in 1 record, not saved")).toBeVisible();
  await expect(grid()).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.insertText("{broken");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: "Column" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await page.keyboard.insertText("12345678901234567890.10");
  await page.keyboard.press("Tab");
  await expect(page.getByText("2 changes in 2 records, not saved")).toBeVisible();
  await page.keyboard.press("F2");
  await page.keyboard.insertText("true");
  await page.keyboard.press("Enter");
  await expect(page.getByText("3 changes in 2 records, not saved")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([]);
  await page.keyboard.press("Control+z");
  await expect(page.getByText("2 changes in 2 records, not saved")).toBeVisible();
  // They survive a reload.
  await page.reload();
  await expect(page.getByText("2 changes in 2 records, not saved")).toBeVisible();
  // As drafts of the account, which are removed when it signs out (G33.3).
  const kept = await page.evaluate(() =>
    Object.entries(sessionStorage).flatMap(([key, text]) => (text.includes("12345678901234567890.10") ? [key] : [])),
  );
  expect(kept).toEqual([expect.stringMatching(/^rested-draft:[0-9a-f-]{36}\/staged\/[0-9a-f-]{36}$/)]);
  await grid().focus();
  await page.keyboard.press("Control+s");
  await expect(page.getByText("Saved 2 records.")).toBeVisible();
  const text = await readTexts();
  expect(text).toContain('"status":12345678901234567890.10');
  expect(text).toContain('"status":"done"');
  expect(text).toContain('"price":1.50');
});

test("[G41] a record that somebody else changed is shown, and the others are saved", async () => {
  const [first = "", second = ""] = ids;
  const stage = async (id: string, text: string) => {
    await grid().locator(`[data-record="${id}"] [data-column="3"]`).dblclick();
    await page.getByRole("textbox", { name: "status, new value" }).fill(text);
    await page.keyboard.press("Enter");
  };
  await stage(first, "mine");
  await stage(second, "also mine");
  const close = page.getByRole("button", { name: "Close record" });
  if (await close.isVisible()) await close.click();
  expect((await put(first, '{"n":1,"status":"theirs"}')).status).toBe(200);
  await page.getByRole("button", { name: "Save 2 records" }).click();
  const failed = page.getByRole("list", { name: "Records that were not saved" });
  await expect(failed).toContainText("theirs theirs, mine mine");
  await expect(page.getByText("1 change in 1 record, not saved")).toBeVisible();
  await page.getByRole("button", { name: "Keep my fields" }).click();
  await expect(page.getByText("not saved")).toHaveCount(0);
  const text = await readTexts();
  expect(text).toContain('{"n":1,"status":"mine"}');
  expect(text).toContain('"status":"also mine"');
});

test("[G43] ids of other records are links, and an id in the search opens its record", async () => {
  const [target = ""] = ids;
  const from = await post(`{"status":"ref","looks":"${target}"}`);
  await page.getByRole("button", { name: "Show 1 new record" }).click();
  await rows().nth(1).getByText(target).click();
  const panel = page.getByRole("region", { name: "Record", exact: true });
  await expect(panel).toContainText(target);
  await page.getByRole("button", { name: "Close record" }).click();
  await page.keyboard.press("/");
  await page.keyboard.insertText(from);
  await page.keyboard.press("Enter");
  await expect(panel).toContainText(from);
  await expect(page).toHaveURL(new RegExp(`record=${from}`));
});

test("[F11] the total follows deletions", async () => {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(Array.from({ length: 600 }, (_, number) => ({ status: "bulk", number })));
  expect((await fetch(`${dataUrl}&bulk=true`, { method: "POST", headers, body })).status).toBe(201);
  await page.goto(pageUrl);
  await expect(page.getByText(/ of 604 loaded/)).toBeVisible();
  await grid().focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete 2 records" }).click();
  await expect(page.getByText(/ of 602 loaded/)).toBeVisible();
});

test("[F19] a filter that is wrong is refused with the column, and several conditions are added at once", async () => {
  await page.goto(pageUrl);
  const field = page.getByRole("textbox", { name: /Add a filter/ });
  await field.fill("price >>");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: /^Column \d+:/ })).toBeVisible();
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await field.fill("price > 2 & status exists");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Filters" }).getByRole("listitem")).toHaveText(["price > 2", "status exists"]);
});
