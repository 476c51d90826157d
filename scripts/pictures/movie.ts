/** The moving picture: the console receives changes, and one of them is opened. */
import path from "node:path";
import type { Browser } from "playwright";
import { writeMovie } from "./encode";
import { type SampleData, send, toReading } from "./sample-data";

const VIEWPORT = { width: 1120, height: 640 };
const FRAME_MS = 250;
const CHANGES = 16;
/** The number of rows that the list says it has. Runs in the page, as text, because the compiler of this file adds calls that the page does not know. */
const ROWS = `document.querySelector('[role="grid"][aria-label="Changes"]').getAttribute("aria-rowcount")`;

/** Returns the name of the file. Each frame is taken when its change is visible, so a slow machine makes the same picture. */
export async function makeMovie(browser: Browser, data: SampleData, folder: string): Promise<string> {
  const context = await browser.newContext({
    baseURL: data.url,
    viewport: VIEWPORT,
    storageState: data.signedIn,
    colorScheme: "light",
    // The expression below is evaluated in the page.
    bypassCSP: true,
    locale: "en-GB",
    timezoneId: "UTC",
  });
  try {
    const page = await context.newPage();
    await page.goto(`/p/${data.project}/endpoints/${data.endpoints.readings}/live`);
    await page.getByRole("grid", { name: "Changes" }).getByRole("row").nth(8).waitFor();
    await page.getByText(/^Live · /).waitFor();
    const frames: Buffer[] = [];
    const delaysMs: number[] = [];
    const take = async (ms: number) => {
      frames.push(await page.screenshot({ caret: "hide", animations: "disabled" }));
      delaysMs.push(ms);
    };
    await take(FRAME_MS * 3);
    let latest = "";
    for (let n = 0; n < CHANGES; n++) {
      const before = await page.evaluate(ROWS);
      latest = await writeChange(data, n, latest);
      await page.waitForFunction(`${ROWS} !== ${JSON.stringify(before)}`);
      await take(n % 3 === 2 ? FRAME_MS * 2 : FRAME_MS);
    }
    await page
      .getByRole("row", { name: /update/ })
      .last()
      .click();
    await page.getByText(/since the previous version/).waitFor();
    await take(FRAME_MS * 12);
    const file = path.join(folder, "console-live.webp");
    await writeMovie(frames, delaysMs, file);
    return file;
  } finally {
    await context.close();
  }
}

async function writeChange(data: SampleData, n: number, latest: string): Promise<string> {
  if (n % 4 === 3) {
    const { temperature, humidity } = toReading(n + 3);
    const query = `&uniqueId=${latest}&strategy=merge`;
    await send(data, "greenhouse/readings", { method: "PUT", query, body: { temperature, humidity } });
    return latest;
  }
  return (await send(data, "greenhouse/readings", { body: toReading(n) })).uniqueId;
}
