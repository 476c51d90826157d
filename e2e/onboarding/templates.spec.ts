import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signIn, signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

let server: RunningServer;
let folder: string;
test.beforeAll(async () => {
  server = await startServer();
  folder = await mkdtemp(path.join(os.tmpdir(), "rested-pages-"));
});
test.afterAll(async () => {
  await server.dispose();
  await rm(folder, { recursive: true, force: true });
});
test.describe.configure({ mode: "serial" });

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function expectClean(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  }
}

/** Downloads the example page of the console's notice and opens it from the file, in a tab of its own. */
async function openExample(page: Page, name: string): Promise<Page> {
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download example page" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe(`${name}.html`);
  const file = path.join(folder, `${name}.html`);
  await download.saveAs(file);
  const example = await page.context().newPage();
  await example.goto(pathToFileURL(file).href);
  return example;
}

const list = (page: Page) => page.getByRole("grid");

test("[G45] a template on the start page leads to the console, with a curl command and a page that works from a file", async ({ page }) => {
  test.setTimeout(120_000);
  await signUpFirstAdmin(page, server);
  await page.goto(`${server.url}/start`);
  await expectClean(page);
  await page.getByRole("button", { name: "Chat" }).click();
  await expect(page).toHaveURL(/\/live\?template=chat$/);
  await expect(list(page)).toContainText("Open this page in two windows");
  const notice = page.getByRole("region", { name: "Template Chat" });
  await expect(notice).toContainText("/api/1/ce/chat/messages?key=");
  await expect(notice).toContainText("which this project accepts");
  await expectClean(page);

  const example = await openExample(page, "chat");
  await expect(example.getByText("Live", { exact: true })).toBeVisible();
  await expect(example.getByRole("list", { name: "Messages" })).toContainText("Open this page in two windows");
  await example.getByLabel("Your name").fill("<b>Grace</b>");
  await example.getByRole("textbox", { name: "Message" }).fill("Hello from a file </script>");
  await example.getByRole("button", { name: "Send" }).click();
  await expect(example.getByRole("list", { name: "Messages" })).toContainText("Hello from a file </script>");
  await expect(list(page)).toContainText("Hello from a file");
  await expectClean(example);

  // The command of the notice, as a shell runs it.
  const command = (await notice.locator("pre").textContent()) ?? "";
  const body = /-d '(.*)'/.exec(command)?.[1];
  const url = /'(http[^']+)'/.exec(command)?.[1] ?? "";
  const stored = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, ...(body ? { body } : {}) });
  expect(stored.status).toBe(201);
  await expect(example.getByRole("list", { name: "Messages" })).toContainText("Hello!");
  // Nobody can change a message.
  const { uniqueId } = await stored.json();
  expect((await fetch(`${url}&uniqueId=${uniqueId}`, { method: "DELETE" })).status).toBe(403);

  await notice.getByRole("button", { name: "Close the notice" }).click();
  await expect(notice).toBeHidden();
  await expect(list(page)).toBeVisible();
});

test("[G45] templates are added to a project: sensors, a to-do list and a feedback form, each with its page", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page, server);
  const headers = { Origin: server.url };
  const project = await (await page.request.post(`${server.url}/api/manage/projects`, { headers, data: { name: "Home" } })).json();
  const use = async (name: string) => {
    await page.goto(`${server.url}/p/${project.id}`);
    await page.getByRole("button", { name: "Use a template" }).click();
    await page.getByRole("dialog").getByRole("button", { name }).click();
    await expect(page.getByRole("button", { name: "Download example page" })).toBeVisible();
  };

  await test.step("sensors", async () => {
    await use("Sensors");
    const example = await openExample(page, "sensors");
    await expect(example.getByRole("list", { name: "Sensors" })).toContainText("21.5 °C");
    await example.getByLabel("Temperature").fill("23.4");
    await example.getByRole("button", { name: "Store a reading" }).click();
    await expect(example.getByRole("list", { name: "Sensors" })).toContainText("23.4 °C");
    await expectClean(example);
  });

  await test.step("to-do list", async () => {
    await use("To-do list");
    const example = await openExample(page, "to-do");
    await example.getByLabel("New task").fill("Water the plants");
    await example.getByRole("button", { name: "Add", exact: true }).click();
    await example.getByLabel("Water the plants", { exact: true }).check();
    await expect(example.getByText("Water the plants")).toHaveClass("done");
    await expect(list(page)).toContainText("Water the plants");
    await example.getByRole("button", { name: "Delete Add a task with curl" }).click();
    await expect(example.getByText("Add a task with curl")).toHaveCount(0);
    await expectClean(example);
  });

  await test.step("feedback form", async () => {
    await use("Feedback form");
    const example = await openExample(page, "feedback");
    await example.getByLabel("Message").fill("It works.");
    await example.getByLabel("Rating").selectOption("5");
    await example.getByRole("button", { name: "Send" }).click();
    await expect(example.getByText("Thank you. Your message was sent.")).toBeVisible();
    await expect(list(page)).toContainText("It works.");
    await expectClean(example);
    // Visitors can't read messages.
    const { key } = (await (await page.request.get(`${server.url}/api/manage/projects/${project.id}/keys`)).json())[0];
    expect(await (await fetch(`${server.url}/api/1/ce/feedback/messages?key=${key}`)).json()).toEqual([]);
  });

  await test.step("the same template again says why not, and the dialog stays", async () => {
    await page.goto(`${server.url}/p/${project.id}`);
    await page.getByRole("button", { name: "Use a template" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Sensors" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "already has an endpoint named sensors/readings" })).toBeVisible();
    await expectClean(page);
    await page.setViewportSize({ width: 390, height: 844 });
    await expectClean(page);
  });

  await test.step("[U4] a project with listed origins says that the page does not work from a file", async () => {
    await page.request.patch(`${server.url}/api/manage/projects/${project.id}`, {
      headers,
      data: { allowedOrigins: ["https://example.com"] },
    });
    await use("Chat");
    await expect(page.getByRole("region", { name: "Template Chat" })).toContainText("does not work when it is opened from a file");
    const example = await openExample(page, "chat");
    await expect(example.getByRole("status")).toContainText("The server refused the connection");
  });
});
