/** Runs reverse proxies with the configurations of docs/operating.md, each with its own certificate. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { generate } from "selfsigned";
import { until } from "@/tests/support/until";

export const PUBLIC_HOST = "rested.example.com";

export type ProxyName = "nginx" | "caddy" | "haproxy";

/** The info strings of the code blocks in the documentation. */
const BLOCKS: Readonly<Record<ProxyName, string>> = { nginx: "nginx", caddy: "caddyfile", haproxy: "haproxy" };

export interface RunningProxy {
  stop(): Promise<void>;
}

export interface ProxyOptions {
  /** The port of the proxy, with TLS. */
  port: number;
  /** The ports of the servers behind the proxy. */
  upstreams: readonly number[];
}

/** True if the program is installed. */
export function isInstalled(name: ProxyName): boolean {
  try {
    execFileSync(name, [name === "caddy" ? "version" : "-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Starts the proxy and waits until it responds, whatever it responds. If it exits first, throws an error with its output. */
export async function startProxy(name: ProxyName, { port, upstreams }: ProxyOptions): Promise<RunningProxy> {
  const dir = await mkdtemp(path.join(os.tmpdir(), `rested-${name}-`));
  const { cert, private: key } = await generate([{ name: "commonName", value: PUBLIC_HOST }], { keySize: 2048 });
  const files = { cert: path.join(dir, "cert.pem"), key: path.join(dir, "key.pem"), both: path.join(dir, "both.pem") };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key);
  await writeFile(files.both, `${cert}\n${key}`);
  const block = await readBlock(BLOCKS[name]);
  const child = await START[name]({ dir, files, block, port, upstreams });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += String(text)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  await until(`${name} responds`, async () => {
    if (!isRunning()) throw new Error(`${name} ended:\n${output}`);
    return responds(port);
  });
  return {
    stop: async () => {
      if (isRunning()) child.kill("SIGTERM");
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Start extends ProxyOptions {
  dir: string;
  files: { cert: string; key: string; both: string };
  /** The configuration from the documentation. */
  block: string;
}

const START: Readonly<Record<ProxyName, (start: Start) => Promise<ChildProcess>>> = {
  async nginx({ dir, files, block, port, upstreams }) {
    const site = replace(block, [
      [/listen 443 /, `listen 127.0.0.1:${port} `],
      [/( *)server 127\.0\.0\.1:3000(.*;)/, upstreams.map((upstream) => `  server 127.0.0.1:${upstream}$2`).join("\n")],
      [/ssl_certificate .*;/, `ssl_certificate ${files.cert};`],
      [/ssl_certificate_key .*;/, `ssl_certificate_key ${files.key};`],
    ]);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${dir}/${kind};`).join("\n");
    const config = path.join(dir, "nginx.conf");
    // As root, nginx would switch to an account that can't write here.
    const user = process.getuid?.() === 0 ? "user root;" : "";
    await writeFile(
      config,
      `${user}\npid ${dir}/nginx.pid;\nerror_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${site}\n}\n`,
    );
    return spawn("nginx", ["-p", dir, "-c", config, "-g", "daemon off;"], { stdio: ["ignore", "pipe", "pipe"] });
  },
  async caddy({ dir, files, block, port, upstreams }) {
    const site = replace(block, [
      [/^rested\.example\.com \{/m, `https://${PUBLIC_HOST}:${port} {\n\tbind 127.0.0.1\n\ttls ${files.cert} ${files.key}`],
      [/127\.0\.0\.1:3000/, upstreams.map((upstream) => `127.0.0.1:${upstream}`).join(" ")],
    ]);
    const config = path.join(dir, "Caddyfile");
    await writeFile(config, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
    const home = path.join(dir, "home");
    await mkdir(home);
    const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
    return spawn("caddy", ["run", "--config", config, "--adapter", "caddyfile"], { env, stdio: ["ignore", "pipe", "pipe"] });
  },
  async haproxy({ dir, files, block, port, upstreams }) {
    const site = replace(block, [
      [/bind :443 ssl crt \S+/, `bind 127.0.0.1:${port} ssl crt ${files.both}`],
      [/ *server one 127\.0\.0\.1:3000(.*)/, upstreams.map((upstream) => `  server s${upstream} 127.0.0.1:${upstream}$1`).join("\n")],
    ]);
    const config = path.join(dir, "haproxy.cfg");
    await writeFile(config, `${site}\n`);
    return spawn("haproxy", ["-db", "-f", config], { stdio: ["ignore", "pipe", "pipe"] });
  },
};

/** Throws if a pattern is not found, because the documentation has changed. */
function replace(text: string, pairs: readonly (readonly [RegExp, string])[]): string {
  return pairs.reduce((changed, [pattern, replacement]) => {
    if (!pattern.test(changed)) throw new Error(`The documented block has nothing like ${pattern}:\n${changed}`);
    return changed.replace(pattern, replacement);
  }, text);
}

async function readBlock(info: string): Promise<string> {
  const text = await readFile("docs/operating.md", "utf8");
  const block = new RegExp(`^\`\`\`${info}\n(.*?)^\`\`\``, "ms").exec(text)?.[1];
  if (block === undefined) throw new Error(`docs/operating.md has no block for ${info}.`);
  return block;
}

/** Whether a request over TLS gets a response. An open port is not enough: a proxy can listen before it is ready for TLS. */
function responds(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = https.get({ host: "127.0.0.1", port, servername: PUBLIC_HOST, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    request.on("error", () => resolve(false));
  });
}
