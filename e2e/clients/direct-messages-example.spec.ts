/** The direct messages of the examples, set up by the commands of their README: three people in three browsers, by an access function and by rules. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type Browser, expect, type Page, test } from "playwright/test";
import { createSeverableProxy } from "@/tests/support/servers/severable-proxy";
import { enter, openAlone, servePage } from "../support/example-pages";
import { type RunningServer, startServer } from "../support/server";

const FOLDER = "examples/direct-messages";
const ADMIN_TOKEN = "2f7a91c5d8e04b36a1f95c70d2e8b46c9a13";
const ADMIN = {
  RESTED_ADMIN_EMAIL: "admin@example.com",
  RESTED_ADMIN_PASSWORD: "correct horse battery",
  RESTED_ADMIN_TOKEN: ADMIN_TOKEN,
};

const VARIANTS = [
  { endpoint: "direct/function", tab: "By an access function", refusal: /^This message is for somebody else\.$/ },
  { endpoint: "direct/rules", tab: "By rules", refusal: /^The endpoint's access rules do not allow you to read this record\.$/ },
];

/** Runs the commands of the README that create the project. Returns the project's key, which the last one prints. */
async function runReadme(server: RunningServer, pageUrl: string): Promise<string> {
  const readme = await readFile(`${FOLDER}/README.md`, "utf8");
  const commands = /## Create the project.*?^```sh\n(.*?)^```/ms.exec(readme)?.[1] ?? "";
  const script = commands.replaceAll("http://localhost:3000", server.url).replaceAll("http://localhost:8080", pageUrl);
  expect(script).toContain(server.url);
  expect(script).toContain(pageUrl);
  const env = { ...process.env, TOKEN: ADMIN_TOKEN };
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: FOLDER, env });
  return stdout.trim().split("\n").at(-1) ?? "";
}

interface Person {
  page: Page;
  /** The texts of all messages and responses that the browser has received from the server. */
  received: () => Promise<string>;
  /** The addresses of the streams that the page has opened. */
  streams: string[];
}

/** Registers a person in a browser of their own, and records what the browser receives from `server`. */
async function join(browser: Browser, address: string, server: string, name: string): Promise<Person> {
  const page = await openAlone(browser, "about:blank");
  const texts: Promise<string>[] = [];
  const streams: string[] = [];
  page.on("websocket", (socket) => {
    streams.push(socket.url());
    socket.on("framereceived", ({ payload }) => void texts.push(Promise.resolve(payload.toString())));
  });
  page.on("response", (response) => {
    // The body of a response that a reload interrupts is not received.
    if (response.url().startsWith(server)) texts.push(response.text().catch(() => ""));
  });
  await page.goto(address);
  await enter(page, name, "Register");
  return { page, streams, received: async () => (await Promise.all(texts)).join("\n") };
}

async function write(page: Page, to: string, text: string): Promise<void> {
  await page.getByLabel("To", { exact: true }).fill(to);
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: text })).toBeVisible();
}

interface Sent {
  method?: string;
  query?: string;
}

/** Sends a request from the page, with the person's access token. */
function ask(page: Page, endpoint: string, { method = "GET", query = "" }: Sent = {}): Promise<{ status: number; body: unknown }> {
  return page.evaluate(
    async ([endpoint, method, query]) => {
      const settings = new URLSearchParams(location.search);
      const headers = { Authorization: `Bearer ${sessionStorage.getItem("token")}` };
      const url = `${settings.get("server")}/api/1/ce/${endpoint}?key=${settings.get("key")}${query}`;
      const response = await fetch(url, { method, headers });
      return { status: response.status, body: await response.json() };
    },
    [endpoint, method, query] as const,
  );
}

const shown = (page: Page) => page.getByRole("listitem");

for (const { endpoint, tab, refusal } of VARIANTS) {
  test(`[S7] [S8] [W6] [W10] ${endpoint}: the third person sees nothing of what the first writes to the second`, async ({ browser }) => {
    test.setTimeout(120_000);
    const server = await startServer({ env: ADMIN });
    const host = await servePage(`${FOLDER}/index.html`);
    const { hostname, port } = new URL(server.url);
    const evesLine = await createSeverableProxy({ host: hostname, port: Number(port) });
    try {
      const key = await runReadme(server, host.url);
      const address = `${host.url}/?server=${server.url}&key=${key}`;
      const evesServer = `http://${evesLine.host}:${evesLine.port}`;
      const ann = await join(browser, address, server.url, "ann");
      const bob = await join(browser, address, server.url, "bob");
      const eve = await join(browser, `${host.url}/?server=${evesServer}&key=${key}`, evesServer, "eve");
      const choose = (page: Page) => page.getByRole("button", { name: tab }).click();
      for (const { page } of [ann, bob, eve]) await choose(page);

      // Live. The message to Eve is later in the log than the other two, so these would have arrived before it.
      await write(ann.page, "bob", "secret one");
      await expect(shown(bob.page)).toHaveText([/secret one/]);
      await write(bob.page, "ann", "secret two");
      await expect(shown(ann.page)).toHaveText([/secret one/, /secret two/]);
      await write(ann.page, "eve", "hello eve");
      await expect(shown(eve.page)).toHaveText([/hello eve/]);

      // In lists, by id, by an expression, and when she tries to delete it.
      const listed = (await ask(ann.page, endpoint)).body as { uniqueId: string; data: { text: string } }[];
      expect(listed.map(({ data }) => data.text)).toEqual(["secret one", "secret two", "hello eve"]);
      const [one, two] = listed.map(({ uniqueId }) => uniqueId);
      expect((await ask(eve.page, endpoint)).body).toMatchObject([{ data: { text: "hello eve" } }]);
      const named = `&uniqueId=${one}`;
      expect(await ask(eve.page, endpoint, { query: named })).toMatchObject({
        status: 403,
        body: { code: "access_denied", detail: expect.stringMatching(refusal) },
      });
      expect((await ask(eve.page, endpoint, { query: `&uniqueId=${one},${two}` })).body).toEqual([]);
      expect((await ask(eve.page, endpoint, { query: "&jsonata=data.text" })).body).toBe("hello eve");
      expect(await ask(eve.page, endpoint, { method: "DELETE", query: named })).toMatchObject({ status: 403 });

      // In the snapshot after a reload.
      await eve.page.reload();
      await choose(eve.page);
      await expect(eve.page.getByRole("status")).toHaveText("live");
      await expect(shown(eve.page)).toHaveText([/hello eve/]);

      // Her stream resumes after her connection was cut. The first message of that time is not for her.
      const opened = eve.streams.length;
      await evesLine.sever();
      await expect(eve.page.getByRole("status")).toHaveText("reconnecting");
      await write(ann.page, "bob", "secret three");
      await write(ann.page, "eve", "hello again");
      await evesLine.restore();
      await expect(shown(eve.page)).toHaveText([/hello eve/, /hello again/]);
      expect(eve.streams.slice(opened).some((url) => !/since=now|snapshot/.test(url))).toBe(true);

      // A message that somebody deletes is not announced to her either.
      await shown(ann.page).filter({ hasText: "secret one" }).getByRole("button", { name: "Delete" }).click();
      await expect(shown(bob.page)).toHaveText([/secret two/, /secret three/]);
      await write(ann.page, "eve", "good night");
      await expect(shown(eve.page)).toHaveText([/hello eve/, /hello again/, /good night/]);

      const received = await eve.received();
      for (const text of ["hello eve", "hello again", "good night"]) expect(received).toContain(text);
      expect(received).not.toContain("secret");
      for (const id of [one, two]) expect(received).not.toContain(`"uniqueId":"${id}"`);
    } finally {
      await evesLine.close();
      await host.close();
      await server.dispose();
    }
  });
}
