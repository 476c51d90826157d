import { expect, test } from "@playwright/test";
import { signUpFirstAdmin } from "./support/dashboard";
import { startServer } from "./support/server";
import { openStream } from "./support/stream";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";

test("[W1] a socket opened before the first page view is open and receiving after 50 page views", async ({ page }) => {
  const server = await startServer({ env: { RESTED_DEMO: "1" } });
  try {
    const stream = await openStream(server.wsUrl + DEMO);
    for (let view = 0; view < 50; view++) {
      const response = await page.goto(`${server.url}/${["login", "setup", "", "no-such-page", "api/1/none"][view % 5]}`);
      expect(response?.status()).toBeLessThan(500);
    }
    expect(stream.isOpen()).toBe(true);
    const post = await fetch(server.url + DEMO, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"after":50}' });
    const { uniqueId } = (await post.json()) as { uniqueId: string };
    expect((await stream.until(({ record }) => record.uniqueId === uniqueId)).record.data).toEqual({ after: 50 });
    stream.close();
  } finally {
    await server.dispose();
  }
});

test("[G7] a record written by a dashboard route handler reaches a client of the data plane", async ({ page }) => {
  const server = await startServer();
  try {
    const { endpoint, key } = await signUpFirstAdmin(page, server);
    const stream = await openStream(`${server.wsUrl}/api/1/ce/${endpoint.name}?key=${key}`);
    const answer = await page.request.post(`${server.url}/api/manage/endpoints/${endpoint.id}/records`, {
      headers: { Origin: server.url },
      data: { from: "the dashboard" },
    });
    expect(answer.status()).toBe(201);
    const { uniqueId } = await answer.json();
    const message = await stream.until(({ record }) => record.uniqueId === uniqueId);
    expect(message).toMatchObject({ type: "POST", record: { data: { from: "the dashboard" } } });
    stream.close();
  } finally {
    await server.dispose();
  }
});

test("[W14] an upgrade of a path that is no stream is answered 404, and the process goes on", async () => {
  const server = await startServer({ env: { RESTED_DEMO: "1" } });
  try {
    for (const path of ["/", "/login", "/_next/hmr", "/api/manage/projects"]) {
      await expect(openStream(server.wsUrl + path)).rejects.toThrow("404");
    }
    expect((await fetch(`${server.url}/api/health`)).status).toBe(200);
  } finally {
    await server.dispose();
  }
});
