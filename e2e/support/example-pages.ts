/** Serves the pages of the examples and uses them, each person in a browser context of their own. */
import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { type Browser, expect, type Page } from "playwright/test";

export interface Tls {
  cert: string;
  key: string;
}

/** Serves a page from a separate origin, as a front-end host does. `file`: its path in the repository. */
export async function servePage(file: string, tls?: Tls): Promise<{ url: string; close: () => Promise<void> }> {
  const page = await readFile(file);
  const handle = (_: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
    response.end(page);
  };
  const host = tls ? https.createServer(tls, handle) : http.createServer(handle);
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  const { port } = host.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://localhost:${port}`,
    close: () => new Promise((resolve) => host.close(() => resolve()).closeAllConnections()),
  };
}

/** Opens a page in a new browser context. */
export async function openAlone(browser: Browser, address: string): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

/** Registers or logs in, and waits until the streams are open. */
export async function enter(page: Page, name: string, action: "Register" | "Log in"): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(`password of ${name}`);
  await page.getByRole("button", { name: action }).click();
  await expect(page.getByRole("status")).toHaveText("live");
}
