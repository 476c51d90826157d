/** Shows programs that use an endpoint, by task and language. Load it lazily: it contains the programs of all languages. */
"use client";

import { useState } from "react";
import { CopyButton } from "../../components/copy-button";
import { Segments } from "../../components/segments";
import { TabList, tabPanel, useTabs } from "../../components/tabs";
import type { Target } from "../snippets";
import { type Colour, toParts } from "./colours";
import { type LanguageId, type Program, SAMPLE_DATA, type Task, TOKEN_PLACEHOLDER } from "./program";
import { toPrograms } from "./to-programs";

const TASKS: readonly { value: Task; label: string; note: string }[] = [
  {
    value: "records",
    label: "Read and write",
    note: "Stores a record, reads it, lists records with and without a filter, replaces and deletes it.",
  },
  {
    value: "stream",
    label: "Stream",
    note: "Receives the stored records, then every change. After a lost connection it resumes where it left off.",
  },
];

const USERS_NOTE = "Registers a user, logs in, reads the user’s own record and logs out.";

/** The colours of the editors. */
const COLOURS: Readonly<Record<Colour, string | undefined>> = {
  comment: "text-muted",
  string: "text-live",
  keyword: "text-update",
  number: "text-update",
  plain: undefined,
};

export function ProgramView({
  target,
  forUsers,
  needsToken,
  sample,
}: {
  target: Target;
  /** Whether the endpoint stores users. */
  forUsers: boolean;
  needsToken: boolean;
  /** The data of a record that the endpoint accepts. Undefined: any. */
  sample: unknown;
}) {
  const [chosenTask, setTask] = useState<Task>("records");
  const [language, setLanguage] = useState<LanguageId>("curl");
  const task = forUsers ? "users" : chosenTask;
  const programs = toPrograms({ ...target, needsToken: needsToken && !forUsers, sample: sample ?? SAMPLE_DATA }, task);
  const program = programs.find((each) => each.language === toNear(language, task)) ?? programs[0];
  const state = useTabs<LanguageId>(program?.language ?? "curl");
  if (!program) return null;
  return (
    <div className="flex flex-col gap-3">
      {forUsers ? null : <Segments label="Task" hideLabel value={chosenTask} options={TASKS} onChange={setTask} />}
      <p className="min-h-9 text-muted sm:min-h-0">{forUsers ? USERS_NOTE : TASKS.find(({ value }) => value === task)?.note}</p>
      <TabList
        state={state}
        label="Language"
        variant="fill"
        tabs={programs.map(({ language: value, label }) => ({ value, label }))}
        onChange={setLanguage}
      />
      <figure className="min-w-0 overflow-hidden rounded-md border border-line bg-inset">
        <figcaption className="flex min-h-9 items-center gap-3 border-b border-line py-1 pr-1.5 pl-3 text-muted">
          <span className="min-w-0 flex-1">
            <span className="font-mono text-data text-text">{program.file}</span>
            <span className="sr-only">. </span>
            <span className="ml-3 max-sm:ml-0 max-sm:block">
              Run with <span className="font-mono text-data wrap-anywhere">{program.run}</span>
            </span>
          </span>
          <CopyButton text={program.code} what={`the ${program.label} program`} />
        </figcaption>
        <div {...tabPanel(state)} className="h-[26rem] overflow-auto focus-visible:-outline-offset-2">
          <Code program={program} />
        </div>
      </figure>
      {needsToken && !forUsers ? (
        <p className="text-muted">
          Replace <code className="text-data text-text">{TOKEN_PLACEHOLDER}</code> with the access token of a user. The API page of the
          authentication endpoint shows how to log in.
        </p>
      ) : null}
    </div>
  );
}

/** The languages of a browser have different names for each task. */
function toNear(language: LanguageId, task: Task): LanguageId {
  if (task === "stream") return language === "fetch" ? "websocket" : language;
  return language === "websocket" || language === "event-source" ? "fetch" : language;
}

function Code({ program: { code, syntax } }: { program: Program }) {
  return (
    <pre className="w-max min-w-full p-3 font-mono text-data leading-5">
      <code>
        {toParts(code.trimEnd(), syntax).map(({ colour, text }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are identified by their position
          <span key={index} className={COLOURS[colour]}>
            {text}
          </span>
        ))}
      </code>
    </pre>
  );
}
