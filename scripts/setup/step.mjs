/** Prints each step and its duration. Uses only Node's own modules, because it runs before packages are installed. */

/**
 * Does one step. `work` can return a note, such as "unchanged". Its errors are thrown on.
 * @template T
 * @param {string} title
 * @param {() => Promise<string | void> | string | void} work
 */
export async function step(title, work) {
  const startedAt = performance.now();
  process.stdout.write(`${title} … `);
  try {
    const note = await work();
    console.log(`${note ?? "done"} (${toSeconds(startedAt)})`);
  } catch (error) {
    console.log(`failed (${toSeconds(startedAt)})`);
    throw error;
  }
}

/** The time since `startedAt` (performance.now()), for people. */
export function toSeconds(startedAt) {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

/** Runs a command's main function. An error ends the process with its message and exit code 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
