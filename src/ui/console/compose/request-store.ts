/** The composer's history, saved requests and variables, kept in this browser for each project. */
import * as z from "zod/mini";
import { PUT_STRATEGIES } from "@/src/shared/streams/protocol";
import { readSetting, subscribeSettings, writeSetting } from "../../browser-settings";
import { REQUESTS } from "../../forms/drafts/sent-requests";
import { type Draft, METHODS } from "./send-record";

const HISTORY_MAX = 30;
const SAVED_MAX = 100;
const VARIABLES_MAX = 50;
/** Bodies are cut out of the store if they are longer, because browsers store a few megabytes for a site. */
const BODY_LENGTH_MAX = 20_000;
const NAME_LENGTH_MAX = 80;

const draftSchema = z.object({
  method: z.enum(METHODS),
  recordId: z.string(),
  strategy: z.enum(PUT_STRATEGIES),
  format: z.enum(["json", "text"]),
  body: z.string(),
});
const storeSchema = z.object({
  history: z.array(z.object({ draft: draftSchema, endpointId: z.string(), status: z.number(), atMs: z.number() })),
  saved: z.array(z.object({ name: z.string(), draft: draftSchema })),
  variables: z.array(z.object({ name: z.string(), value: z.string() })),
});

export type RequestStore = z.output<typeof storeSchema>;
type SentRequest = RequestStore["history"][number];

const EMPTY: RequestStore = { history: [], saved: [], variables: [] };

const toKey = (projectId: string) => `${REQUESTS}${projectId}`;

/** The text of the store, which changes when the store does; for useSyncExternalStore. */
export function readStoreText(projectId: string): string {
  return readSetting(toKey(projectId)) ?? "";
}

export const subscribeStore = subscribeSettings;

/** The store in a text. An unreadable one, for example of another version, counts as empty. */
export function parseStore(text: string): RequestStore {
  if (text === "") return EMPTY;
  try {
    const parsed = storeSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : EMPTY;
  } catch {
    return EMPTY;
  }
}

function change(projectId: string, next: (store: RequestStore) => RequestStore): void {
  writeSetting(toKey(projectId), JSON.stringify(next(parseStore(readStoreText(projectId)))));
}

/** Puts a request at the start of the history. The same request counts once. Long bodies are not kept. */
export function addToHistory(projectId: string, sent: SentRequest): void {
  if (sent.draft.body.length > BODY_LENGTH_MAX) return;
  const same = JSON.stringify(sent.draft);
  change(projectId, (store) => ({
    ...store,
    history: [sent, ...store.history.filter(({ draft }) => JSON.stringify(draft) !== same)].slice(0, HISTORY_MAX),
  }));
}

/** Saves a request under a name, in place of one of that name. Returns what is wrong, if anything. */
export function saveRequest(projectId: string, name: string, draft: Draft): string | undefined {
  const trimmed = name.trim();
  if (trimmed === "") return "Enter a name.";
  if (trimmed.length > NAME_LENGTH_MAX) return `Use at most ${NAME_LENGTH_MAX} characters.`;
  if (draft.body.length > BODY_LENGTH_MAX)
    return `This body is too long to save: use at most ${BODY_LENGTH_MAX.toLocaleString("en")} characters.`;
  const { saved } = parseStore(readStoreText(projectId));
  const others = saved.filter((each) => each.name !== trimmed);
  if (others.length >= SAVED_MAX) return `You have saved ${SAVED_MAX} requests. Delete one first.`;
  change(projectId, (store) => ({
    ...store,
    saved: [...others, { name: trimmed, draft }].sort((one, other) => one.name.localeCompare(other.name)),
  }));
  return undefined;
}

export function deleteSaved(projectId: string, name: string): void {
  change(projectId, (store) => ({ ...store, saved: store.saved.filter((each) => each.name !== name) }));
}

/** Sets a variable, or removes it if the value is undefined. Returns what is wrong, if anything. */
export function setVariable(projectId: string, name: string, value: string | undefined): string | undefined {
  if (!/^[A-Za-z_][\w-]{0,39}$/.test(name)) return "Use letters, digits, _ and -, and start with a letter.";
  const { variables } = parseStore(readStoreText(projectId));
  const others = variables.filter((each) => each.name !== name);
  if (value !== undefined && others.length >= VARIABLES_MAX) return `You have ${VARIABLES_MAX} variables. Delete one first.`;
  change(projectId, (store) => ({ ...store, variables: value === undefined ? others : [...others, { name, value }] }));
  return undefined;
}
