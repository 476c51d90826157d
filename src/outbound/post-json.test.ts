/** Tests requests to addresses that users choose (H7): TLS, redirects, refused addresses, and limits. */
import { generate } from "selfsigned";
import { afterEach, describe, expect, it } from "vitest";
import { OutboundError } from "@/src/core/webhooks/outbound-error";
import { type Respond, respondWith, startReceiver, type WebhookReceiver } from "@/tests/support/webhooks/webhook-receiver";
import { createAddressPolicy } from "./address-policy";
import { createPostJson, type PostJsonOptions } from "./post-json";
import { findUrlProblem } from "./url-problem";

const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

async function receive(options: Parameters<typeof startReceiver>[0] = {}): Promise<WebhookReceiver> {
  const receiver = await startReceiver(options);
  closes.push(() => receiver.close());
  return receiver;
}

function createPost(options: Partial<PostJsonOptions> = {}) {
  const { post, close } = createPostJson({ policy: createAddressPolicy(["127.0.0.1"]), allowsHttp: true, timeoutMs: 500, ...options });
  closes.push(close);
  return (url: string, signal = new AbortController().signal) =>
    post({ url, headers: { "content-type": "application/json" }, body: '{"a":1}', signal });
}

const createPair = async (name: string) => {
  const pair = await generate([{ name: "commonName", value: name }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: name }] }],
  });
  return { cert: pair.cert, key: pair.private };
};

describe("createPostJson", () => {
  it("[H7] sends the body, and returns the status and the beginning of the response", async () => {
    const receiver = await receive();
    receiver.respond((response) => void response.writeHead(202, { "retry-after": "7" }).end(`a\u0000b\n${"é".repeat(900)}`));
    const reply = await createPost()(receiver.url);
    expect(reply).toEqual({ status: 202, excerpt: `a b ${"é".repeat(496)}`, retryAfter: "7" });
    expect(receiver.received[0]?.text).toBe('{"a":1}');
  });

  it("[H7] does not read a response to its end", async () => {
    const receiver = await receive();
    receiver.respond((response) => {
      response.writeHead(200);
      const write = (): void => void (response.destroyed || response.write("x".repeat(65_536), () => setImmediate(write)));
      write();
    });
    expect((await createPost({ timeoutMs: 5_000 })(receiver.url)).excerpt).toHaveLength(500);
  });

  it("[H7] keeps connections, and sends again if the receiver has closed one meanwhile", async () => {
    const receiver = await receive();
    const post = createPost();
    receiver.respond((response) => void response.writeHead(204).end(() => setImmediate(() => response.socket?.destroy())));
    for (let n = 0; n < 5; n += 1) expect((await post(receiver.url)).status).toBe(204);
    expect(receiver.received).toHaveLength(5);
  });

  it.each([
    [
      "a connection that is cut",
      ((response) => void response.destroy()) as Respond,
      "closed the connection without a response. Its log may say why. (ECONNRESET)",
    ],
    ["no response in time", (() => undefined) as Respond, "did not respond within 0.5 s. Let it respond before it does long work."],
    [
      "a response that is cut",
      ((response) => {
        response.writeHead(200, { "content-length": "9" }).flushHeaders();
        response.write("abc", () => response.destroy());
      }) as Respond,
      "The receiver responded with 200, but closed the connection before the response was complete. Its log may say why.",
    ],
    [
      "a response that does not end",
      ((response) => void response.writeHead(200).write("abc")) as Respond,
      "The receiver responded with 200, but the response was not complete within 0.5 s. Let it respond before it does long work.",
    ],
    [
      "too many headers",
      ((response) => void response.writeHead(200, { "x-long": "x".repeat(20_000) }).end()) as Respond,
      "The response has too many headers. (HPE_HEADER_OVERFLOW)",
    ],
    ["no HTTP", ((response) => void response.socket?.end("nonsense\r\n\r\n")) as Respond, "The response is not valid HTTP."],
  ])("[H7] reports %s", async (_, respond, message) => {
    const receiver = await receive();
    receiver.respond(respond);
    await expect(createPost()(receiver.url)).rejects.toThrow(OutboundError);
    await expect(createPost()(receiver.url)).rejects.toThrow(message);
  });

  it("[H7] a reply that changes the protocol is a reply, and ends the request", async () => {
    const receiver = await receive();
    receiver.respond(
      (response) => void response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    );
    expect(await createPost()(receiver.url)).toEqual({ status: 101, excerpt: "", retryAfter: undefined });
  });

  it("[H7] does not follow redirects", async () => {
    const [receiver, other] = [await receive(), await receive()];
    receiver.respond(respondWith(307, { location: other.url }));
    expect((await createPost()(receiver.url)).status).toBe(307);
    expect(other.received).toEqual([]);
  });

  it("[H7] connects to no address that is not allowed, whatever its form", async () => {
    const receiver = await receive();
    const post = createPost({ policy: createAddressPolicy() });
    const hosts = [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "localhost",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "0.0.0.0",
      "[::]",
    ];
    for (const host of hosts) await expect(post(`http://${host}:${receiver.port}/`), host).rejects.toThrow(/not public|cannot be resolved/);
    expect(receiver.received).toEqual([]);
  });

  it("[H7] sends without TLS only if the administrator allows it", async () => {
    const receiver = await receive();
    await expect(createPost({ allowsHttp: false })(receiver.url)).rejects.toThrow("only to https");
    expect(receiver.received).toEqual([]);
  });

  it("[H7] verifies certificates: the authority and the host", async () => {
    const [own, foreign] = [await createPair("127.0.0.1"), await createPair("192.0.2.1")];
    const [good, wrongHost] = [await receive({ tls: own }), await receive({ tls: foreign })];
    expect((await createPost({ ca: own.cert })(good.url)).status).toBe(204);
    await expect(createPost()(good.url)).rejects.toThrow("certificate is self-signed");
    await expect(createPost({ ca: foreign.cert })(wrongHost.url)).rejects.toThrow("certificate is for another host");
    const plain = await receive();
    await expect(createPost()(plain.url.replace("http:", "https:"))).rejects.toThrow("TLS");
    expect(wrongHost.received).toEqual([]);
  });

  it("[H7] ends a request when its caller does", async () => {
    const receiver = await receive();
    receiver.respond(() => undefined);
    const abort = new AbortController();
    const sent = createPost({ timeoutMs: 60_000 })(receiver.url, abort.signal);
    await receiver.take(1);
    abort.abort(new Error("the lease was lost"));
    await expect(sent).rejects.toThrow("the lease was lost");
  });
});

describe("findUrlProblem", () => {
  it("[H7] refuses what can be seen without resolving the host", () => {
    const policy = createAddressPolicy(["10.0.0.0/8"]);
    const find = (url: string, allowsHttp = false) => findUrlProblem(url, { policy, allowsHttp });
    expect([find("https://example.com/"), find("https://10.1.2.3/"), find("http://example.com/", true), find("https://8.8.8.8/")]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    expect(find("http://example.com/")).toContain("https");
    for (const host of ["127.0.0.1", "127.1", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]", "192.168.0.1"])
      expect(find(`https://${host}/`), host).toContain("public");
  });
});
