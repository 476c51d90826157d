/** A server with an owner, a project, an endpoint and a receiver, for the tests of webhooks. */
import type { Config } from "@/src/config/config";
import type { WebhookWithSecret } from "@/src/shared/management/webhooks";
import type { Answer, ManageServer, Person } from "@/tests/support/servers/manage-server";
import { until } from "@/tests/support/until";
import { startReceiver, type WebhookReceiver } from "@/tests/support/webhooks/webhook-receiver";

/** Receivers of tests are on this machine, without TLS. Retries follow soon. No job extends leases, so they last for a test. */
export const WEBHOOK_CONFIG: Partial<Config> = {
  outboundAllowed: ["127.0.0.1"],
  webhooks: { allowsHttp: true, timeoutMs: 1_000, retryFirstMs: 50, leaseMs: 60_000, slowMs: 5_000 },
};

export interface WebhookWorld {
  server: ManageServer;
  ada: Person;
  projectId: string;
  endpointId: string;
  receiver: WebhookReceiver;
  /** Creates a webhook of the receiver, and has the node know it. */
  hook(input?: object): Promise<WebhookWithSecret>;
  /** Calls the management API. The path is below /api/manage/. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Writes a record, and returns its uniqueId. */
  write(data: unknown, uniqueId?: string): Promise<string>;
  remove(uniqueId: string): Promise<void>;
  /** Polls until the probe returns something. */
  polling<T>(what: string, probe: () => T | Promise<T>): ReturnType<typeof until<T>>;
  close(): Promise<void>;
}

let people = 0;

/** An account of its own, with a project, an endpoint and a receiver. */
export async function createWorldOn(server: ManageServer): Promise<WebhookWorld> {
  people += 1;
  const ada = await server.createPerson(`Ada${people}`);
  const receiver = await startReceiver();
  const call = (method: string, path: string, body?: unknown) =>
    ada.call(method, `/api/manage/${path}`, body === undefined ? {} : { body });
  const projectId: string = (await call("POST", "projects", { name: "Weather" })).body.id;
  const endpointId: string = (await call("POST", `projects/${projectId}/endpoints`, { name: "readings" })).body.id;
  const records = `endpoints/${endpointId}/records`;
  return {
    ...{ server, ada, projectId, endpointId, receiver, call },
    hook: async (input = {}) => {
      const answer = await call("POST", `projects/${projectId}/webhooks`, { url: receiver.url, ...input });
      if (answer.status !== 201) throw new Error(answer.text);
      await server.runtime.webhooks.poll();
      return answer.body;
    },
    write: async (data, uniqueId) => {
      const answer = await call(uniqueId === undefined ? "POST" : "PUT", uniqueId === undefined ? records : `${records}/${uniqueId}`, data);
      if (answer.status >= 300) throw new Error(answer.text);
      return answer.body.uniqueId;
    },
    remove: async (uniqueId) => {
      await call("DELETE", `${records}/${uniqueId}`);
    },
    polling: (what, probe) =>
      until(
        what,
        async () => {
          await server.runtime.webhooks.poll();
          return probe();
        },
        { timeoutMs: 15_000 },
      ),
    close: () => receiver.close(),
  };
}
