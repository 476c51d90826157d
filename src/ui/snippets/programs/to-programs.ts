/** Complete programs that use an endpoint, in many languages. Large: load it when it is shown. Pure. */
import { arduino } from "./arduino";
import { csharp } from "./csharp";
import { curl } from "./curl";
import { go } from "./go";
import { java } from "./java";
import { eventSourceLanguage, fetchLanguage, websocketLanguage } from "./javascript";
import { kotlin } from "./kotlin";
import { type Program, type ProgramTarget, type Task, toValues } from "./program";
import { python } from "./python";
import { swift } from "./swift";

const LANGUAGES = [curl, fetchLanguage, websocketLanguage, eventSourceLanguage, python, go, java, csharp, swift, kotlin, arduino];

/** The programs for a task, in the languages that have one. */
export function toPrograms(target: ProgramTarget, task: Task): Program[] {
  const values = toValues(target);
  return LANGUAGES.flatMap(({ id, label, syntax, tasks }) => {
    const write = tasks[task];
    return write ? [{ language: id, label, syntax, ...write(values) }] : [];
  });
}
