/** Compares the acknowledged writes, the log, the stored records, and the changes that each subscriber received. A pure function. */
import type { ChangeType } from "@/src/shared/streams/protocol";
import type { Attempt } from "./ledger";
import { type ReceivedChange, toAttemptId } from "./subscriber";

/** A change in the log; `data` is JSON without white space. */
export interface LoggedChange {
  seq: number;
  type: ChangeType;
  recordId: string;
  data: string;
  ownerId: string | null;
}

export interface Truth {
  endpointId: string;
  /** In order of seq. */
  log: readonly LoggedChange[];
  /** The stored data by uniqueId, as each source (the table, a node's GET) has them. */
  stored: readonly { source: string; records: ReadonlyMap<string, string> }[];
}

export interface Recipient {
  name: string;
  endpointId: string;
  owner: string | null;
  /** Whether its filter (W13) includes a record. Absent: it has no filter. */
  wants?: ((recordId: string) => boolean) | undefined;
  startSeq: number;
  /** The seq up to which it must have received everything. */
  endSeq: number;
  changes: readonly ReceivedChange[];
  gaps: readonly string[];
}

export interface Verdict {
  lost: number;
  doubled: number;
  outOfOrder: number;
  unauthorised: number;
  /** A sentence for each problem. */
  problems: string[];
}

type Kind = Exclude<keyof Verdict, "problems">;
export type Report = (kind: Kind, problem: string) => void;

export function judge({
  truths,
  attempts,
  subscribers,
}: {
  truths: readonly Truth[];
  attempts: readonly Attempt[];
  subscribers: readonly Recipient[];
}): Verdict {
  const { verdict, report } = createVerdict();
  for (const truth of truths) {
    const own = <T extends { endpointId: string }>(of: readonly T[]) => of.filter(({ endpointId }) => endpointId === truth.endpointId);
    judgeLog(truth, report);
    judgeWrites(truth, own(attempts), report);
    for (const subscriber of own(subscribers)) judgeSubscriber(truth, subscriber, report);
  }
  return verdict;
}

/** The same without the writes: for changes that a server makes by itself. */
export function judgeStreams({ truths, subscribers }: { truths: readonly Truth[]; subscribers: readonly Recipient[] }): Verdict {
  const { verdict, report } = createVerdict();
  for (const truth of truths) {
    judgeLog(truth, report);
    for (const subscriber of subscribers) if (subscriber.endpointId === truth.endpointId) judgeSubscriber(truth, subscriber, report);
  }
  return verdict;
}

export function createVerdict(): { verdict: Verdict; report: Report } {
  const verdict: Verdict = { lost: 0, doubled: 0, outOfOrder: 0, unauthorised: 0, problems: [] };
  const report: Report = (kind, problem) => {
    verdict[kind]++;
    verdict.problems.push(`${kind}: ${problem}`);
  };
  return { verdict, report };
}

/** The log has no hole, and replaying it gives the stored records. */
function judgeLog({ log, stored }: Truth, report: Report): void {
  const replayed = new Map<string, string>();
  for (const [index, { seq, type, recordId, data }] of log.entries()) {
    if (seq !== index + 1) report(seq > index + 1 ? "lost" : "doubled", `the log has change ${seq} at place ${index + 1}`);
    if (type === "DELETE") replayed.delete(recordId);
    else replayed.set(recordId, data);
  }
  for (const { source, records } of stored) {
    for (const [id, data] of replayed) if (records.get(id) !== data) report("lost", `${source} lacks the last change of record ${id}`);
    for (const id of records.keys()) if (!replayed.has(id)) report("lost", `${source} has record ${id}, which is not in the log`);
  }
}

/** An acknowledged write is in the log once. Another write is in it at most once. Nothing else is in it. */
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
      if (isAcknowledged && recordId !== attempt.recordId) report("lost", `${name} got a response with another uniqueId than ${recordId}`);
      if (type !== "DELETE" && attempt.data !== "" && data !== attempt.data) report("lost", `${name} is in the log with other data`);
    }
  }
  for (const [key, changes] of logged) report("doubled", `the log has ${changes.length} changes that nobody sent: ${key}`);
}

/** The data of a DELETE is that of the deleted record, so the record identifies it. */
function toKey(type: ChangeType, recordId: string, attemptId: string | undefined): string {
  return type === "DELETE" ? `DELETE ${recordId}` : `${type} ${attemptId}`;
}

/** A subscriber received every change of the log that it may read, from its start, once, in order and unaltered. */
function judgeSubscriber(
  { log }: Truth,
  { name, owner, wants = () => true, startSeq, endSeq, changes, gaps }: Recipient,
  report: Report,
): void {
  const bySeq = new Map(log.map((change) => [change.seq, change]));
  const seen = new Set<number>();
  let last = startSeq;
  for (const { seq, type, recordId, data } of changes) {
    const logged = bySeq.get(seq);
    if (seen.has(seq)) report("doubled", `${name} received change ${seq} again`);
    else if (seq <= last) report("outOfOrder", `${name} received change ${seq} after ${last}`);
    seen.add(seq);
    last = Math.max(last, seq);
    if (!logged) report("unauthorised", `${name} received change ${seq}, which was never committed`);
    else if (owner !== null && logged.ownerId !== owner) report("unauthorised", `${name} received change ${seq} of another user`);
    else if (!wants(recordId)) report("unauthorised", `${name} received change ${seq}, which its filter excludes`);
    else if (logged.type !== type || logged.recordId !== recordId || logged.data !== data)
      report("lost", `${name} received change ${seq} altered`);
  }
  for (const { seq, ownerId, recordId } of log) {
    const isDue = seq > startSeq && seq <= endSeq && (owner === null || ownerId === owner) && wants(recordId);
    if (isDue && !seen.has(seq)) report("lost", `${name} did not receive change ${seq}`);
  }
  for (const gap of gaps) report("lost", `${name} received a gap: ${gap}`);
}
