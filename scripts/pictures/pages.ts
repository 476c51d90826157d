/** The pages that are photographed, and what happens on each before. */
import type { Page } from "playwright";
import type { SampleData } from "./sample-data";

export interface Picture {
  name: string;
  /** Shown to visitors who are not signed in. */
  isPublic?: boolean;
  path: (data: SampleData) => string;
  /** Waits until the page is complete, and opens what the picture shows. */
  prepare: (page: Page, data: SampleData) => Promise<unknown>;
}

const inProject =
  (rest = "") =>
  ({ project }: SampleData) =>
    `/p/${project}${rest}`;
const inEndpoint =
  (name: keyof SampleData["endpoints"], page: string) =>
  ({ project, endpoints }: SampleData) =>
    `/p/${project}/endpoints/${endpoints[name]}/${page}`;

const heading = (name: string | RegExp) => (page: Page) => page.getByRole("heading", { name }).first().waitFor();

/** The console with changes, which arrive while the picture is taken. */
async function openConsole(page: Page): Promise<void> {
  await page.getByRole("grid", { name: "Changes" }).getByRole("row").nth(8).waitFor();
  await page.getByText(/^Live · [1-9]/).waitFor();
}

export const PICTURES: readonly Picture[] = [
  // Those of the README.
  {
    name: "overview",
    path: inProject(),
    prepare: (page) =>
      page
        .getByText(/in the last hour/)
        .first()
        .waitFor(),
  },
  {
    name: "console-change",
    path: inEndpoint("readings", "live"),
    prepare: async (page) => {
      await openConsole(page);
      await page
        .getByRole("row", { name: /update/ })
        .last()
        .click();
      await page.getByText(/since the previous version/).waitFor();
    },
  },
  {
    name: "records",
    path: inEndpoint("readings", "records"),
    prepare: async (page) => {
      await page.getByRole("grid", { name: "Records" }).getByRole("row").nth(8).waitFor();
      // Times are shown once the page runs, because the server does not know the time zone.
      await page.getByText("Connecting…").waitFor({ state: "detached" });
    },
  },
  { name: "usage", path: inProject("/usage"), prepare: (page) => page.locator(".uplot").first().waitFor() },
  { name: "login", isPublic: true, path: () => "/login", prepare: heading("Sign in") },
  { name: "start", path: () => "/start", prepare: (page) => page.getByLabel("What are you storing?").fill("Sensor readings") },
  { name: "projects", path: () => "/projects", prepare: heading("Greenhouse") },
  {
    name: "first-steps",
    path: ({ emptyProject }) => `/p/${emptyProject}`,
    prepare: (page) => page.getByRole("region", { name: "First steps" }).waitFor(),
  },
  { name: "endpoints", path: inProject("/endpoints"), prepare: (page) => page.getByRole("row", { name: /shop\/orders/ }).waitFor() },
  { name: "console", path: inEndpoint("readings", "live"), prepare: openConsole },
  {
    name: "console-composer",
    path: inEndpoint("readings", "live"),
    prepare: async (page) => {
      await openConsole(page);
      await page.getByRole("button", { name: "Send a request…" }).click();
      await page.getByRole("button", { name: "Send", exact: true }).waitFor();
    },
  },
  {
    name: "record",
    path: inEndpoint("readings", "records"),
    prepare: async (page) => {
      await page.getByRole("grid", { name: "Records" }).getByRole("row").nth(4).getByRole("gridcell").nth(3).click();
      await page.getByRole("button", { name: "Edit this record" }).waitFor();
    },
  },
  { name: "api", path: inEndpoint("readings", "api"), prepare: heading("Operations") },
  { name: "access", path: inEndpoint("orders", "access"), prepare: heading("Access function") },
  { name: "endpoint-settings", path: inEndpoint("readings", "settings"), prepare: heading("Delete this endpoint") },
  {
    name: "users",
    path: inEndpoint("customers", "users"),
    prepare: (page) => page.getByRole("row", { name: /margaret .*business/ }).waitFor(),
  },
  { name: "keys", path: inProject("/keys"), prepare: (page) => page.getByRole("row", { name: /Wall display/ }).waitFor() },
  {
    name: "connections",
    path: inProject("/connections"),
    prepare: (page) =>
      page
        .getByRole("row", { name: /greenhouse\/alerts/ })
        .first()
        .waitFor(),
  },
  { name: "webhooks", path: inProject("/webhooks"), prepare: (page) => page.getByRole("link", { name: /127\.0\.0\.1/ }).waitFor() },
  {
    name: "requests",
    path: inProject("/requests"),
    prepare: (page) =>
      page
        .getByRole("button", { name: /schema_mismatch/ })
        .or(page.getByText("schema_mismatch"))
        .first()
        .waitFor(),
  },
  { name: "project-settings", path: inProject("/settings"), prepare: heading("Delete this project") },
  { name: "account", path: () => "/account", prepare: heading("Management tokens") },
  { name: "not-found", path: inProject("/nowhere"), prepare: heading("Page not found") },
];
