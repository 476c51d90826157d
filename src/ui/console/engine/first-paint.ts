/** What the console shows before its worker runs: the end of the log, as the engine itself would show it. For the server. */

import { parseLogPage } from "../../stream/stream-message";
import { ConsoleEngine } from "./console-engine";
import type { Flush } from "./console-messages";
import type { EventFilter } from "./event-filter";

/** Rows of the first paint: more than a large window shows. */
const ROWS = 60;
const CHARACTERS = 240;
const LIMITS = { eventsMax: 200, bytesMax: 16 * 1024 * 1024 };

/** `logPage`: the newest part of the log, as `endpoints/{id}/changes` answers it. */
export function toFirstPaint(logPage: string, filter: EventFilter): Flush {
  const engine = new ConsoleEngine({ limits: LIMITS, filter, nowMs: () => Date.now() });
  engine.begin(parseLogPage(logPage));
  engine.setView({ follow: true, count: ROWS, characters: CHARACTERS });
  return engine.flush();
}
