import { expect, type Page, test } from "playwright/test";
import { startServer } from "../support/server";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";

declare global {
  /** What the page hears; it does nothing but listen. */
  interface Window {
    heard: number[];
    opened: number;
  }
}

const heardBy = (page: Page) => page.evaluate(() => window.heard);
const openedBy = (page: Page) => page.evaluate(() => window.opened);

async function listen(page: Page, url: string): Promise<void> {
  await page.evaluate((address) => {
    Object.assign(window, { heard: [], opened: 0 });
    const source = new EventSource(address);
    source.onopen = () => {
      window.opened++;
    };
    source.onmessage = ({ data }) => window.heard.push(JSON.parse(data).record.data);
  }, url);
}

async function post(url: string, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(url + DEMO, { method: "POST", headers, body: String(n) });
    expect(answer.status).toBe(201);
  }
}

test("[W12] an EventSource goes on by itself after the server was stopped, and after it was killed, and hears of every record once", async ({
  page,
}) => {
  test.setTimeout(120_000);
  const env = { RESTED_DEMO: "1" };
  let server = await startServer({ env });
  try {
    const { dataDir, url } = server;
    const port = Number(new URL(url).port);
    await page.goto(`${url}/sign-in`);
    await listen(page, url + DEMO);
    await expect.poll(() => openedBy(page)).toBe(1);
    // The first end comes before the first change: the stream has a place all the same.
    await server.stop();
    server = await startServer({ dataDir, port, env });
    await post(url, [1, 2, 3]);
    await expect.poll(() => heardBy(page)).toEqual([1, 2, 3]);
    await server.kill();
    server = await startServer({ dataDir, port, env });
    await post(url, [4, 5]);
    await expect.poll(() => heardBy(page)).toEqual([1, 2, 3, 4, 5]);
    expect(await openedBy(page)).toBeGreaterThanOrEqual(3);
    await post(url, [6]);
    await expect.poll(() => heardBy(page)).toEqual([1, 2, 3, 4, 5, 6]);
  } finally {
    await server.dispose();
  }
});
