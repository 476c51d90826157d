/** Keeps docs/programs.md equal to the programs of the API page. `npx vitest run tests/clients/documented-programs.test.ts -u` writes it. */
import { expect, test } from "vitest";
import { DEMO_ENDPOINT, DEMO_KEY } from "@/src/management/setup/ensure-demo";
import { SAMPLE_DATA, type Syntax, type Task } from "@/src/ui/snippets/programs/program";
import { toPrograms } from "@/src/ui/snippets/programs/to-programs";

const ORIGIN = "http://localhost:3000";
const SECTIONS: readonly { task: Task; title: string; text: string; endpointName: string }[] = [
  {
    task: "records",
    title: "Read and write",
    text: "Stores a record, reads it, lists records with and without a filter, replaces and deletes it.",
    endpointName: DEMO_ENDPOINT,
  },
  {
    task: "stream",
    title: "Stream",
    text: "Receives the stored records, then every change. After a lost connection it waits, longer after each failure, and resumes from the last cursor. If the missed changes are no longer kept (`GAP`), it reads the records again.",
    endpointName: DEMO_ENDPOINT,
  },
  {
    task: "users",
    title: "Users",
    text: "Registers a user at an authentication endpoint, logs in, reads the user’s own record and logs out.",
    endpointName: "app/users",
  },
];

/** The info string of a code block. */
const INFO: Readonly<Record<string, string>> = {
  curl: "sh",
  python: "python",
  go: "go",
  java: "java",
  kotlin: "kotlin",
  csharp: "csharp",
  swift: "swift",
  arduino: "cpp",
};
const toInfo = (language: string, syntax: Syntax) => INFO[language] ?? (syntax === "c" ? "js" : "");

function toGuide(): string {
  const parts = SECTIONS.flatMap(({ task, title, text, endpointName }) => [
    `## ${title}\n\n${text}`,
    ...toPrograms({ origin: ORIGIN, endpointName, key: DEMO_KEY, needsToken: false, sample: SAMPLE_DATA }, task).map(
      ({ language, label, syntax, file, run, code }) =>
        `<details>\n<summary>${label}</summary>\n\n\`${file}\`, run with \`${run}\`:\n\n\`\`\`${toInfo(language, syntax)}\n${code.trimEnd()}\n\`\`\`\n\n</details>`,
    ),
  ]);
  const head = `# Programs that use an endpoint

Complete programs in eleven languages and libraries. The API page of each endpoint in the dashboard shows the same programs with the endpoint’s own URL and key. Here they use the demo endpoint of a local server (\`RESTED_DEMO=1 npm start\`); for *Users*, create an authentication endpoint and replace the key.

The tests run the programs in curl, JavaScript, Python, Go, Java and Kotlin against a real server, cut their connections and make gaps. The tests do not run those in C#, Swift and for Arduino.

A stream sends a message every 25 seconds, so a program that receives none for a minute reconnects. Close code 4000 means that the stream was refused, for example because the key was revoked; these programs then stop. [clients.md](clients.md) has the limits of client libraries.`;
  return `${[head, ...parts].join("\n\n")}\n`;
}

test("[W9] docs/programs.md shows the programs of the API page", async () => {
  await expect(toGuide()).toMatchFileSnapshot("../../docs/programs.md");
});
