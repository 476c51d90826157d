/** Runs the programs of the API page with the toolchains of this machine: in processes, and JavaScript for browsers in a page of Chromium. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Browser, chromium } from "playwright";
import { findChromium } from "@/scripts/setup/chromium.mjs";
import { canRun, ensurePython, ensureTool, runQuietly } from "@/scripts/setup/tool-cache.mjs";
import { KOTLIN_LIBRARIES } from "@/src/ui/snippets/programs/kotlin";
import type { LanguageId, Program } from "@/src/ui/snippets/programs/program";

export interface RunningProgram {
  /** The output so far, of both streams. */
  output(): string;
  /** Resolves when the program has ended, with its exit code. */
  ended: Promise<number | null>;
  stop(): Promise<void>;
}

export type Run = (program: Program) => Promise<RunningProgram>;

const GO_WEBSOCKET = "github.com/coder/websocket@v1.8.14";
const KOTLIN = "2.3.0";
const JAVA_LIBRARIES = ["com.google.code.gson:gson:2.13.2"];

/** How each language is run here, or the reason why it is not. */
export async function findRunners(): Promise<Record<LanguageId, Run | { missing: string }>> {
  const hasJava = canRun("java", ["-version"]) && canRun("mvn");
  const [python, jars, kotlin] = await Promise.all([
    ensurePython("programs", ["websockets==17.4"]),
    hasJava ? ensureJars("programs-java", JAVA_LIBRARIES) : { missing: "Java or Maven is not installed" },
    hasJava ? ensureKotlin() : { missing: "Java or Maven is not installed" },
  ]);
  const byEye = { missing: "there is no toolchain for it on this machine" };
  return {
    curl: canRun("curl") ? (program) => start("sh", [write(program)]) : { missing: "curl is not installed" },
    fetch: (program) => start(process.execPath, [write(program)]),
    websocket: inPage,
    "event-source": inPage,
    python: "missing" in python ? python : (program) => start(path.join(python.bin, "python"), [write(program)]),
    go: canRun("go", ["version"]) ? runGo : { missing: "Go is not installed" },
    java: "missing" in jars ? jars : (program) => start("java", ["-cp", path.join(jars.folder, "*"), write(program)]),
    kotlin: "missing" in kotlin ? kotlin : (program) => runKotlin(program, kotlin.folder),
    csharp: byEye,
    swift: byEye,
    arduino: byEye,
  };
}

const folders: string[] = [];
let browser: Promise<Browser> | undefined;

/** Removes what the runs have left. */
export async function cleanUp(): Promise<void> {
  await (await browser)?.close();
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}

function createFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rested-program-"));
  folders.push(folder);
  return folder;
}

/** Writes the program into a folder of its own. */
function write({ file, code }: Program): string {
  const place = path.join(createFolder(), file);
  fs.writeFileSync(place, code);
  return place;
}

async function start(command: string, args: readonly string[], cwd = createFolder()): Promise<RunningProgram> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  return {
    output: () => output,
    ended,
    stop: async () => {
      // A shell's pipeline has several processes, which are a group.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
      await ended;
    },
  };
}

async function inPage(program: Program): Promise<RunningProgram> {
  const executablePath = findChromium();
  browser ??= chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: ["--no-sandbox", "--disable-gpu"] });
  const page = await (await browser).newPage();
  let output = "";
  page.on("console", (message) => {
    output += `${message.text()}\n`;
  });
  page.on("pageerror", (error) => {
    output += `${error}\n`;
  });
  await page.setContent(`<script>${program.code}</script>`);
  return { output: () => output, ended: new Promise(() => undefined), stop: () => page.close() };
}

async function runGo(program: Program): Promise<RunningProgram> {
  const cwd = path.dirname(write(program));
  if (program.code.includes("coder/websocket")) {
    await runQuietly("go", ["mod", "init", "program"], { cwd });
    await runQuietly("go", ["get", GO_WEBSOCKET], { cwd });
  }
  // `go run` would leave the program running when it is stopped.
  await runQuietly("go", ["build", "-o", "program", program.file], { cwd });
  return start(path.join(cwd, "program"), [], cwd);
}

/** Downloads libraries and what they need with Maven. Returns a folder of jars. */
function ensureJars(name: string, libraries: readonly string[]) {
  return ensureTool(`${name}-${libraries.join("-").replaceAll(/[^\w.-]/g, "_")}`, async (folder, signal) => {
    const dependencies = libraries.map((library) => {
      const [group, artifact, version] = library.split(":");
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
    });
    const head = "<modelVersion>4.0.0</modelVersion><groupId>example</groupId><artifactId>example</artifactId><version>1</version>";
    fs.writeFileSync(path.join(folder, "pom.xml"), `<project>${head}<dependencies>${dependencies.join("")}</dependencies></project>`);
    const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
    await runQuietly("mvn", ["--quiet", "--batch-mode", copy, "-DoutputDirectory=."], { cwd: folder, signal });
  });
}

async function ensureKotlin() {
  // Maven does not read the metadata by which Gradle finds the JVM's variant of OkHttp.
  const libraries = KOTLIN_LIBRARIES.map((library) => library.replace("okhttp3:okhttp:", "okhttp3:okhttp-jvm:"));
  return ensureJars("programs-kotlin", [...libraries, `org.jetbrains.kotlin:kotlin-compiler-embeddable:${KOTLIN}`]);
}

async function runKotlin(program: Program, jars: string): Promise<RunningProgram> {
  const file = write(program);
  const classPath = fs
    .readdirSync(jars)
    .filter((name) => name.endsWith(".jar"))
    .map((name) => path.join(jars, name))
    .join(path.delimiter);
  const classes = createFolder();
  const compile = [
    "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
    "-no-stdlib",
    "-no-reflect",
    "-nowarn",
    "-cp",
    classPath,
    "-d",
    classes,
    file,
  ];
  await runQuietly("java", ["-cp", classPath, ...compile]);
  const main = `${path.basename(file, ".kt")}Kt`;
  return start("java", ["-cp", `${classes}${path.delimiter}${classPath}`, main]);
}
