import { readFile } from "node:fs/promises";
import zlib from "node:zlib";
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
  page = await (await browser.newContext({ acceptDownloads: true })).newPage();
  await page.addInitScript(() => {
    const notice = () => {
      if (document.querySelector("[role=textbox].cm-content") && document.querySelector("textarea[id$=-plain]"))
        window.name = "two editors";
    };
    new MutationObserver(notice).observe(document, { childList: true, subtree: true });
  });
  const { project, endpoint, key } = await signUpFirstAdmin(page, server, "people");
  pageUrl = `${server.url}/p/${project.id}/endpoints/${endpoint.id}/records`;
  dataUrl = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
});
test.afterAll(() => server?.dispose());

const rows = () => page.getByRole("grid", { name: "Records" }).getByRole("row");
const editor = () => page.getByRole("textbox", { name: "JSON" });
const write = async (text: string) => {
  await editor().click();
  await page.keyboard.press("ControlOrMeta+A");
  // Inserted at once, because the editor would close typed brackets.
  await page.keyboard.insertText(text);
};
const readAll = async (): Promise<{ uniqueId: string; data: unknown }[]> => (await fetch(dataUrl)).json();
const send = (method: string, uniqueId: string, body?: string) =>
  fetch(`${dataUrl}${uniqueId && `&uniqueId=${uniqueId}`}`, {
    method,
    ...(body ? { headers: { "Content-Type": "application/json" }, body } : {}),
  });

test("[G13] a record is created, shown and changed, and its digits are preserved", async () => {
  await page.goto(pageUrl);
  await expect(page.getByText("No records yet.")).toBeVisible();
  await page.getByRole("button", { name: "Create the first record" }).click();
  await expect(editor()).toHaveClass(/cm-content/);
  // While the editor replaced the text area, the page never had both: a screen reader would find two fields of one name.
  expect(await page.evaluate(() => window.name)).toBe("");
  await write('{"name":"Ada","age":36.50}');
  await page.getByRole("button", { name: "Create record" }).click();
  await expect(rows()).toHaveCount(2);
  await expect(rows().nth(1)).toContainText("36.50");
  await expect(page.getByRole("region", { name: "Record", exact: true })).toContainText("36.50");

  await page.getByRole("button", { name: "Edit this record" }).click();
  await write('{"name":"Ada Lovelace","age":36.50}');
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(rows().nth(1)).toContainText("Ada Lovelace");
  expect(await (await fetch(dataUrl)).text()).toContain('"age":36.50');
});

test("[R7] [G7] conflicting edits of a record are shown, and nothing is overwritten silently", async () => {
  const [record] = await readAll();
  const id = record?.uniqueId ?? "";
  await page.getByRole("button", { name: "Edit this record" }).click();
  await write('{"name":"Mine","age":1}');
  expect((await send("PUT", id, '{"name":"Theirs","age":36.50}')).status).toBe(200);
  await expect(page.getByText("Someone else changed this record.")).toBeVisible();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const differences = page.getByRole("list", { name: "Differences" });
  await expect(differences.getByRole("listitem").filter({ hasText: "conflict" })).toContainText("Theirs");
  await expect(differences.getByRole("listitem").filter({ hasText: "changed by you" })).toContainText("age");
  expect((await readAll())[0]?.data).toEqual({ name: "Theirs", age: 36.5 });

  await page.getByRole("button", { name: "Keep editing" }).click();
  await write('{"name":"Both of us","age":36.5}');
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(rows().nth(1)).toContainText("Both of us");
  expect((await readAll())[0]?.data).toEqual({ name: "Both of us", age: 36.5 });
});

test("changes by others are shown in place, and nothing moves until requested", async () => {
  const first = rows().nth(1);
  await page.getByRole("button", { name: "Close record" }).click();
  const created = await send("POST", "", '{"name":"From outside","age":20}');
  const { uniqueId }: { uniqueId: string } = await created.json();
  const bringIn = page.getByRole("button", { name: "Show 1 new record" });
  await expect(bringIn).toBeVisible();
  await expect(first).toContainText("Both of us");
  await bringIn.click();
  await expect(first).toContainText("From outside");
  await send("PUT", uniqueId, '{"name":"Changed outside","age":20}');
  await expect(first).toContainText("Changed outside");
  await send("DELETE", uniqueId);
  await expect(first).toContainText("deleted");
  await page.getByRole("button", { name: "Remove 1 deleted record" }).click();
  await expect(rows()).toHaveCount(2);
});

test("[G14] a CSV file is checked and imported; records are filtered and exported as NDJSON", async () => {
  await page.getByRole("button", { name: "Import", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Import records" });
  const choose = (buffer: Buffer) => dialog.locator("input[type=file]").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer });
  await choose(Buffer.from('name,age\nGrace,85\nAlan,"41\n'));
  await expect(dialog.getByRole("alert")).toContainText("Line 3");
  await dialog.getByRole("button", { name: "Choose another file" }).click();
  await choose(Buffer.from("sep=;\r\nname;age\r\nJos\u00e9;1\r\n", "latin1"));
  const encoding = dialog.getByRole("combobox", { name: "Encoding" });
  await expect(encoding).toHaveValue("windows-1252");
  await expect(dialog).toContainText('{"name":"José","age":1}');
  await encoding.selectOption("windows-1251");
  await expect(dialog).toContainText('{"name":"Josй","age":1}');
  await encoding.selectOption("utf-8");
  await expect(dialog.getByRole("alert")).toContainText("not utf-8");
  await dialog.getByRole("button", { name: "Choose another file" }).click();
  await choose(Buffer.from('name,age,address.city\nGrace,85,Arlington\nAlan,41,Wilmslow\n"Edsger",72,Nuenen\n'));
  await expect(dialog).toContainText('{"name":"Grace","age":85,"address":{"city":"Arlington"}}');
  await dialog.getByRole("button", { name: "Import 3 records" }).click();
  await expect(rows()).toHaveCount(5);

  await page.getByRole("textbox", { name: /Add a filter/ }).fill("age > 50");
  await page.keyboard.press("Enter");
  await expect(rows()).toHaveCount(3);
  await expect(page).toHaveURL(/filter=age/);
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const exporting = page.getByRole("dialog", { name: "Export records" });
  await exporting.getByRole("radio", { name: "NDJSON" }).check();
  const [download] = await Promise.all([page.waitForEvent("download"), exporting.getByRole("button", { name: "Export" }).click()]);
  expect(download.suggestedFilename()).toMatch(/^people-\d{4}-\d\d-\d\d\.ndjson$/);
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).data.name)).toEqual(["Grace", "Edsger"]);
});

test("[G13] rows are selected and deleted by keyboard alone", async () => {
  await page.getByRole("button", { name: "Remove filter age > 50" }).click();
  await expect(rows()).toHaveCount(5);
  await page.getByRole("grid", { name: "Records" }).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+ArrowDown");
  await expect(page.getByText("2 selected")).toBeVisible();
  await page.keyboard.press("Delete");
  const dialog = page.getByRole("dialog", { name: "Delete 2 records?" });
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await dialog.getByRole("button", { name: "Delete 2 records" }).press("Enter");
  await expect(rows()).toHaveCount(3);
  expect(await readAll()).toHaveLength(2);
  await page.getByRole("grid", { name: "Records" }).focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: "Record", exact: true })).toContainText("Both of us");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("region", { name: "Record", exact: true })).toHaveCount(0);
  await expect(page.getByRole("grid", { name: "Records" })).toBeFocused();
});

test("[F1] [F2] [G15] a picture is uploaded, shown and downloaded", async () => {
  await page.getByRole("button", { name: "New record" }).click();
  await page.getByRole("radio", { name: "Files" }).check();
  const buffer = toPng(12, 8);
  await page
    .getByRole("region", { name: "New record" })
    .locator("input[type=file]")
    .setInputFiles({ name: "red.png", mimeType: "image/png", buffer });
  const picture = page.getByRole("img", { name: "Preview of red.png" });
  await expect(picture).toBeVisible();
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([12, 8]);
  await expect(rows().nth(1)).toContainText("red.png");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  expect(download.suggestedFilename()).toBe("red.png");
  expect(await readFile(await download.path())).toEqual(buffer);
});

/** A red PNG of the given size. */
function toPng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(zlib.crc32(body), body.length + 4);
    return framed;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits per channel, RGB.
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.from(Array.from({ length: width }, () => [200, 30, 30]).flat())]);
  const pixels = zlib.deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
