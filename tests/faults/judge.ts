/** Compares what was acknowledged, what the log and the records have, and what each subscriber heard. It must not ask anybody. */
import type { ChangeType } from "@/src/shared/streams/protocol";
import type { Attempt } from "./ledger";
import { type HeardChange, toAttemptId } from "./subscriber";

/** A change as the log has it; `data` as JSON without white space. */
export interface LoggedChange {
  seq: number;
  type: ChangeType;
  recordId: string;
  data: string;
  ownerId: string | null;
}

export interface Truth {
  endpointId: string;
  /** By seq. */
  log: readonly LoggedChange[];
  /** What each source, such as the table or a node's GET, says is stored: data by uniqueId. */
  stored: readonly { source: string; records: ReadonlyMap<string, string> }[];
}

export interface HeardBy {
  name: string;
  endpointId: string;
  owner: string | null;
  /** What it asked for by a filter (W13); absent: everything. */
  wants?: ((recordId: string) => boolean) | undefined;
  startSeq: number;
  /** Up to where it must have heard everything. */
  endSeq: number;
  changes: readonly HeardChange[];
  gaps: readonly string[];
}

export interface Verdict {
  lost: number;
  doubled: number;
  outOfOrder: number;
  unauthorised: number;
  /** A sentence for each of them. */
  problems: string[];
}

type Kind = Exclude<keyof Verdict, "problems">;
type Report = (kind: Kind, problem: string) => void;

export function judge({
  truths,
  attempts,
  subscribers,
}: {
  truths: readonly Truth[];
  attempts: readonly Attempt[];
  subscribers: readonly HeardBy[];
}): Verdict {
  const verdict: Verdict = { lost: 0, doubled: 0, outOfOrder: 0, unauthorised: 0, problems: [] };
  const report: Report = (kind, problem) => {
    verdict[kind]++;
    verdict.problems.push(`${kind}: ${problem}`);
  };
  for (const truth of truths) {
    const own = <T extends { endpointId: string }>(of: readonly T[]) => of.filter(({ endpointId }) => endpointId === truth.endpointId);
    judgeLog(truth, report);
    judgeWrites(truth, own(attempts), report);
    for (const subscriber of own(subscribers)) judgeSubscriber(truth, subscriber, report);
  }
  return verdict;
}

/** The log has no hole, and replaying it gives what is stored. */
function judgeLog({ log, stored }: Truth, report: Report): void {
  const replayed = new Map<string, string>();
  for (const [index, { seq, type, recordId, data }] of log.entries()) {
    if (seq !== index + 1) report(seq > index + 1 ? "lost" : "doubled", `the log has change ${seq} at place ${index + 1}`);
    if (type === "DELETE") replayed.delete(recordId);
    else replayed.set(recordId, data);
  }
  for (const { source, records } of stored) {
    for (const [id, data] of replayed) if (records.get(id) !== data) report("lost", `${source} lacks the last change of record ${id}`);
    for (const id of records.keys()) if (!replayed.has(id)) report("lost", `${source} has record ${id}, of which the log knows nothing`);
  }
}

/** What was acknowledged is in the log once; what was not, once at most; and nothing else is. */
function judgeWrites({ log }: Truth, attempts: readonly Attempt[], report: Report): void {
  const logged = new Map<string, LoggedChange[]>();
  for (const change of log) {
    const id = toKey(change.type, change.recordId, toAttemptId(JSON.parse(change.data)));
    logged.set(id, [...(logged.get(id) ?? []), change]);
  }
  for (const attempt of attempts) {
    const key = toKey(attempt.type, attempt.recordId ?? "", attempt.id);
    const found = logged.get(key) ?? [];
    logged.delete(key);
    const name = `${attempt.type} ${attempt.id} of record ${attempt.recordId}`;
    const isAcknowledged = attempt.acknowledgedBy !== undefined;
    if (isAcknowledged && found.length === 0) report("lost", `${name} was acknowledged and is not in the log`);
    if (found.length > 1) report("doubled", `${name} is in the log ${found.length} times`);
    for (const { type, recordId, data } of found) {
      if (isAcknowledged && recordId !== attempt.recordId) report("lost", `${name} was answered with another uniqueId than ${recordId}`);
      if (type !== "DELETE" && attempt.data !== "" && data !== attempt.data) report("lost", `${name} is in the log with other data`);
    }
  }
  for (const [key, changes] of logged) report("doubled", `the log has ${changes.length} changes that nobody sent: ${key}`);
}

/** A DELETE has the data of what was there, so it is known by its record. */
function toKey(type: ChangeType, recordId: string, attemptId: string | undefined): string {
  return type === "DELETE" ? `DELETE ${recordId}` : `${type} ${attemptId}`;
}

/** It heard the log from its start on, as far as it may read it: every change once, in order, as it was. */
function judgeSubscriber(
  { log }: Truth,
  { name, owner, wants = () => true, startSeq, endSeq, changes, gaps }: HeardBy,
  report: Report,
): void {
  const bySeq = new Map(log.map((change) => [change.seq, change]));
  const seen = new Set<number>();
  let last = startSeq;
  for (const { seq, type, recordId, data } of changes) {
    const logged = bySeq.get(seq);
    if (seen.has(seq)) report("doubled", `${name} heard change ${seq} again`);
    else if (seq <= last) report("outOfOrder", `${name} heard change ${seq} after ${last}`);
    seen.add(seq);
    last = Math.max(last, seq);
    if (!logged) report("unauthorised", `${name} heard change ${seq}, which was never committed`);
    else if (owner !== null && logged.ownerId !== owner) report("unauthorised", `${name} heard change ${seq} of another user`);
    else if (!wants(recordId)) report("unauthorised", `${name} heard change ${seq}, which its filter leaves out`);
    else if (logged.type !== type || logged.recordId !== recordId || logged.data !== data)
      report("lost", `${name} heard change ${seq} altered`);
  }
  for (const { seq, ownerId, recordId } of log) {
    const isDue = seq > startSeq && seq <= endSeq && (owner === null || ownerId === owner) && wants(recordId);
    if (isDue && !seen.has(seq)) report("lost", `${name} never heard change ${seq}`);
  }
  for (const gap of gaps) report("lost", `${name} was told of a gap: ${gap}`);
}
