import { readFile } from "node:fs/promises";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

const JSON_HEADERS = { "Content-Type": "application/json" };

interface Opened {
  put(data: string): Promise<void>;
  read(): Promise<string>;
  address: string;
  id: string;
}

/** Opens the console of an endpoint whose only record has three versions. */
async function openHistory(page: Page, server: RunningServer): Promise<Opened> {
  const { project, endpoint, key } = await signUpFirstAdmin(page, server);
  const address = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
  const created = await fetch(address, {
    method: "POST",
    headers: JSON_HEADERS,
    body: '{"room":"hall","t":1.50,"tags":{"a":true,"b":null}}',
  });
  const { uniqueId: id } = (await created.json()) as { uniqueId: string };
  const put = async (body: string) => {
    expect((await fetch(`${address}&uniqueId=${id}`, { method: "PUT", headers: JSON_HEADERS, body })).status).toBe(200);
  };
  await put('{"room":"hall","t":2}');
  await put('{"room":"attic","t":2}');
  await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
  await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible();
  return { address, id, put, read: async () => (await fetch(`${address}&uniqueId=${id}`)).text() };
}

const rows = (page: Page) => page.getByRole("grid", { name: "Changes" }).getByRole("row", { name: /\d\d:\d\d/ });
const details = (page: Page) => page.getByRole("region", { name: "Details" });

test("[G29] the history compares any two versions of a record, and restores one under the rules of conflicts", async ({ page }) => {
  const server = await startServer();
  try {
    const { put, read } = await openHistory(page, server);
    await rows(page).last().click();
    await page.keyboard.press("[");
    const versions = details(page).getByRole("list", { name: "Versions, newest first" }).getByRole("button");
    await expect(versions).toHaveCount(3);
    await expect(versions.first()).toHaveAttribute("aria-pressed", "true");
    await expect(details(page)).toContainText("room");
    await page.keyboard.press("[");
    await expect(versions.nth(1)).toHaveAttribute("aria-pressed", "true");
    await page.keyboard.press("[");
    await page.keyboard.press("[");
    await expect(versions.nth(2)).toHaveAttribute("aria-pressed", "true");
    await expect(details(page)).toContainText("The first version.");
    await page.keyboard.press("]");
    await expect(versions.nth(1)).toHaveAttribute("aria-pressed", "true");
    await versions.nth(2).click();

    await versions.nth(1).click();
    await details(page).getByLabel("compared with").selectOption({ label: "version 3" });
    await expect(details(page)).toContainText("attic");
    await versions.nth(2).click();

    // Someone else writes while the history is open: the restored version must not overwrite that.
    await put('{"room":"cellar"}');
    await details(page).getByRole("button", { name: "Restore this version…" }).click();
    await details(page).getByRole("button", { name: "Restore", exact: true }).click();
    await expect(details(page).getByRole("alert")).toContainText("nothing was restored.");
    expect(await read()).toContain('"data":{"room":"cellar"}');
    await details(page).getByRole("button", { name: "Load newest" }).click();
    await expect(versions).toHaveCount(4);
    await details(page).getByRole("button", { name: "Restore this version…" }).click();
    await details(page).getByRole("button", { name: "Restore", exact: true }).click();
    await expect(versions).toHaveCount(5);
    expect(await read()).toContain('"data":{"room":"hall","t":1.50,"tags":{"a":true,"b":null}}');
  } finally {
    await server.dispose();
  }
});

test("[G30] a value filters the list or becomes a column, by mouse and by keyboard", async ({ page }) => {
  const server = await startServer();
  try {
    await openHistory(page, server);
    await rows(page).first().click();
    await details(page).getByRole("tab", { name: "JSON" }).click();
    await expect(details(page)).toContainText("3 fields");
    const value = details(page).getByRole("button", { name: '"hall"' });
    await value.click();
    await page.getByRole("menuitem", { name: "Show only changes with this value" }).click();
    await expect(page.getByRole("grid", { name: "Changes" })).toHaveAttribute("aria-rowcount", "3");
    await value.click();
    await page.getByRole("menuitem", { name: "Hide changes with this value" }).click();
    await expect(page.getByRole("grid", { name: "Changes" })).toHaveAttribute("aria-rowcount", "2");
    await page.getByRole("searchbox").fill("");

    await details(page).getByRole("button", { name: "1.50" }).focus();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("menuitem").first()).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await expect(page.getByRole("menuitem", { name: "Pin as column" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("columnheader", { name: "t", exact: true })).toBeVisible();
    await expect(rows(page).first().getByRole("gridcell", { name: "1.50", exact: true })).toBeVisible();
    await page.reload();
    await expect(page.getByRole("columnheader", { name: "t", exact: true })).toBeVisible();
  } finally {
    await server.dispose();
  }
});

test("[G30] changes are exported: the selected one, the matching ones, and the whole log", async ({ page }) => {
  const server = await startServer();
  try {
    const { address, id } = await openHistory(page, server);
    const more = Array.from({ length: 3 }, (_, n) =>
      fetch(address, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify({ n }) }),
    );
    await Promise.all(more);
    await expect(rows(page)).toHaveCount(6);
    const exportAs = async (which: RegExp, format: string) => {
      await page.getByRole("grid", { name: "Changes" }).focus();
      await page.keyboard.press("x");
      const dialog = page.getByRole("dialog", { name: "Export changes" });
      await dialog.getByRole("radio", { name: which }).check();
      await dialog.getByRole("radio", { name: format, exact: true }).check();
      const download = page.waitForEvent("download");
      await dialog.getByRole("button", { name: "Export" }).click();
      const file = await download;
      expect(file.suggestedFilename()).toMatch(new RegExp(`-changes-\\d{4}-\\d\\d-\\d\\d\\.${format.toLowerCase()}$`));
      await expect(dialog).toHaveCount(0);
      return readFile(await file.path(), "utf8");
    };
    const log = (await exportAs(/Whole log/, "NDJSON"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(log.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    await page.getByRole("searchbox").fill("attic");
    await expect(rows(page)).toHaveCount(1);
    const matching = JSON.parse(await exportAs(/Matching \(1\)/, "JSON"));
    expect(matching).toMatchObject([{ type: "PUT", record: { uniqueId: id, data: { room: "attic", t: 2 } } }]);
    await rows(page).first().click();
    const selected = (await exportAs(/Selected/, "CSV")).split("\r\n");
    expect(selected).toHaveLength(3);
    expect(selected[1]).toContain('"{""room"":""attic"",""t"":2}"');
  } finally {
    await server.dispose();
  }
});
