import { expect, type Page, test } from "playwright/test";
import { startServer } from "../support/server";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";

declare global {
  /** The events that the page has received. */
  interface Window {
    received: number[];
    opened: number;
  }
}

const receivedBy = (page: Page) => page.evaluate(() => window.received);
const openedBy = (page: Page) => page.evaluate(() => window.opened);

async function listen(page: Page, url: string): Promise<void> {
  await page.evaluate((address) => {
    Object.assign(window, { received: [], opened: 0 });
    const source = new EventSource(address);
    source.onopen = () => {
      window.opened++;
    };
    source.onmessage = ({ data }) => window.received.push(JSON.parse(data).record.data);
  }, url);
}

async function post(url: string, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(url + DEMO, { method: "POST", headers, body: String(n) });
    expect(response.status).toBe(201);
  }
}

test("[W12] an EventSource resumes by itself after the server was stopped, and after it was killed, and receives every record once", async ({
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
    // The stream ends before the first change, and still has a position to resume from.
    await server.stop();
    server = await startServer({ dataDir, port, env });
    await post(url, [1, 2, 3]);
    await expect.poll(() => receivedBy(page)).toEqual([1, 2, 3]);
    await server.kill();
    server = await startServer({ dataDir, port, env });
    await post(url, [4, 5]);
    await expect.poll(() => receivedBy(page)).toEqual([1, 2, 3, 4, 5]);
    expect(await openedBy(page)).toBeGreaterThanOrEqual(3);
    await post(url, [6]);
    await expect.poll(() => receivedBy(page)).toEqual([1, 2, 3, 4, 5, 6]);
  } finally {
    await server.dispose();
  }
});
