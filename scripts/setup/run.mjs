/** Starts programs. Uses only Node's own modules. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Runs a program to its end, without standard input, so that it cannot prompt. With `show` its output goes to the terminal;
 * otherwise it is kept for the error. Throws unless the program exits with 0.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string | undefined>, show?: boolean, shell?: boolean }} [options]
 */
export async function run(command, args, options = {}) {
  const output = options.show ? "inherit" : "pipe";
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", output, output],
    shell: options.shell ?? false,
  });
  const kept = [];
  child.stdout?.on("data", (chunk) => kept.push(chunk));
  child.stderr?.on("data", (chunk) => kept.push(chunk));
  const end = await ended(child, command);
  if (end.code === 0) return;
  const text = Buffer.concat(kept).toString("utf8").trim();
  const how = end.signal ? `was ended by ${end.signal}` : `ended with exit code ${end.code}`;
  throw new Error(`${text ? `${text}\n\n` : ""}${[command, ...args].join(" ")} ${how}.`);
}

/** Runs a program in this terminal until it ends, and returns its exit code. Forwards SIGINT, SIGTERM and SIGHUP to it. */
export async function runForeground(command, args, options = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...options.env }, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const end = await ended(child, command);
  return end.signal ? 128 + constants.signals[end.signal] : end.code;
}

function ended(child, command) {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

/** Runs a package's command-line program with this Node.js. `script`: its file below node_modules. */
export function runPackage(script, args, options) {
  return run(process.execPath, [`node_modules/${script}`, ...args], options);
}
