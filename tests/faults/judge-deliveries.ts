/** Compares the mails and webhook requests that arrived with the log of their endpoint. Pure functions. */
import { createVerdict as createStreamVerdict, type LoggedChange, type Report, type Verdict } from "./judge";

/** The verdict about mails or webhooks. `repeated`: arrivals of something that had arrived before. */
export interface DeliveryVerdict extends Verdict {
  delivered: number;
  repeated: number;
}

export interface AcknowledgedMail {
  recordId: string;
  messageId: string;
  to: string;
}

export interface ArrivedMail {
  messageId: string;
  date: string;
  to: string;
  /** The mail server accepted it, whether the sender received the reply or not. */
  isAccepted: boolean;
}

interface MailData {
  to: string[];
  delivery: { state: string; attempts: number; messageId: string; error: string | null };
}

/**
 * `log`: that of the mail endpoint. Every acknowledged mail was accepted by the mail server. Every arrival belongs to a record, and each recipient received one
 * Message-ID and one date only. The record shows its steps in order, and in the end that it was sent.
 */
export function judgeMails({
  log,
  acknowledged,
  arrived,
}: {
  log: readonly LoggedChange[];
  acknowledged: readonly AcknowledgedMail[];
  arrived: readonly ArrivedMail[];
}): DeliveryVerdict {
  const { verdict, report } = createVerdict();
  const steps = new Map<string, MailData[]>();
  for (const { recordId, data } of log) steps.set(recordId, [...(steps.get(recordId) ?? []), JSON.parse(data) as MailData]);
  const arrivals = groupBy(arrived, ({ messageId }) => messageId);
  const known = new Set<string>();
  for (const [recordId, states] of steps) {
    const last = states.at(-1);
    const { messageId = "", attempts = 0, state } = last?.delivery ?? {};
    known.add(messageId);
    const own = arrivals.get(messageId) ?? [];
    const to = last?.to.join() ?? "";
    if (!own.some(({ isAccepted }) => isAccepted)) report("lost", `the mail of record ${recordId} was never accepted`);
    if (own.length > attempts) report("doubled", `the mail of record ${recordId} arrived ${own.length} times in ${attempts} attempts`);
    if (new Set(own.map(({ date }) => date)).size > 1) report("doubled", `the mail of record ${recordId} has several dates`);
    if (own.some((mail) => mail.to !== to)) report("unauthorised", `the mail of record ${recordId} went to somebody else`);
    if (state !== "sent") report("lost", `record ${recordId} shows ${state}, and its mail is no longer in the queue`);
    if (states.some(({ delivery }) => delivery.messageId !== messageId)) report("doubled", `record ${recordId} shows several Message-IDs`);
    judgeSteps(recordId, states, report);
    verdict.delivered += 1;
    verdict.repeated += Math.max(0, own.length - 1);
  }
  for (const { recordId, messageId } of acknowledged) {
    const last = steps.get(recordId)?.at(-1);
    if (!last) report("lost", `the record ${recordId} of an acknowledged mail is not in the log`);
    else if (last.delivery.messageId !== messageId) report("lost", `record ${recordId} has another Message-ID than the response`);
  }
  for (const messageId of arrivals.keys())
    if (!known.has(messageId)) report("unauthorised", `a mail arrived that no record shows: ${messageId}`);
  const ids = groupBy(arrived, ({ to }) => to);
  for (const [to, mails] of ids) {
    if (new Set(mails.map(({ messageId }) => messageId)).size > 1) report("doubled", `${to} received several Message-IDs of one mail`);
  }
  return verdict;
}

/** The first step is queued. Each attempt begins with `sending`, which counts it, and ends with `queued`, `sent`, or a kill. */
function judgeSteps(recordId: string, states: readonly MailData[], report: Report): void {
  let attempts = 0;
  for (const [index, { delivery }] of states.entries()) {
    const before = states[index - 1]?.delivery.state;
    const isNext =
      index === 0
        ? delivery.state === "queued" && delivery.attempts === 0
        : delivery.state === "sending"
          ? (before === "queued" || before === "sending") && delivery.attempts === attempts + 1
          : (delivery.state === "sent" || delivery.state === "queued") && before === "sending" && delivery.attempts === attempts;
    if (!isNext) report("outOfOrder", `record ${recordId} shows ${delivery.state} ${delivery.attempts} after ${before} ${attempts}`);
    attempts = delivery.attempts;
  }
}

export interface ArrivedEvent {
  /** `webhook-id`. */
  id: string;
  text: string;
  seq: number;
  type: string;
  /** Empty for a GAP. */
  recordId: string;
  /** The data as JSON. */
  data: string;
  isSigned: boolean;
  /** Numbers of one count: when it arrived, and when the receiver confirmed it. Undefined: it did not. */
  arrivedAt: number;
  confirmedAt: number | undefined;
}

/**
 * `arrived`: in the order of arrival. Every change was confirmed. A repetition has the same id and the same text. No change arrived before the earlier
 * ones of its record were confirmed.
 */
export function judgeEvents({ log, arrived }: { log: readonly LoggedChange[]; arrived: readonly ArrivedEvent[] }): DeliveryVerdict {
  const { verdict, report } = createVerdict();
  const bySeq = new Map(log.map((change) => [change.seq, change]));
  const arrivals = groupBy(arrived, ({ seq }) => seq);
  const firstConfirmed = (seq: number) =>
    Math.min(...(arrivals.get(seq) ?? []).map(({ confirmedAt }) => confirmedAt ?? Number.POSITIVE_INFINITY));
  const earlier = new Map<string, number[]>();
  const before = new Map<number, readonly number[]>();
  for (const { seq, recordId } of log) {
    const seqs = earlier.get(recordId) ?? [];
    before.set(seq, [...seqs]);
    earlier.set(recordId, [...seqs, seq]);
  }
  const latest = new Map<string, number>();
  for (const { id, text, seq, type, recordId, data, isSigned, arrivedAt } of arrived) {
    const logged = bySeq.get(seq);
    if (type === "GAP") report("lost", `the receiver received a gap: ${text}`);
    else if (!logged) report("unauthorised", `the receiver received change ${seq}, which was never committed`);
    else if (logged.type !== type || logged.recordId !== recordId || logged.data !== data) report("lost", `change ${seq} arrived altered`);
    if (!isSigned) report("unauthorised", `the signature of change ${seq} is wrong`);
    const first = arrivals.get(seq)?.[0];
    if (first && (first.id !== id || first.text !== text)) report("doubled", `change ${seq} arrived with another id or text`);
    if ((latest.get(recordId) ?? 0) > seq) report("outOfOrder", `change ${seq} arrived after ${latest.get(recordId)} of the same record`);
    latest.set(recordId, Math.max(seq, latest.get(recordId) ?? 0));
    for (const each of before.get(seq) ?? [])
      if (firstConfirmed(each) > arrivedAt) report("outOfOrder", `change ${seq} arrived before change ${each} was confirmed`);
  }
  for (const { seq } of log) if (firstConfirmed(seq) === Number.POSITIVE_INFINITY) report("lost", `change ${seq} was never confirmed`);
  if (new Set(arrived.map(({ id }) => id)).size > arrivals.size) report("doubled", "two changes have one id, or one change has two");
  verdict.delivered = arrivals.size;
  verdict.repeated = arrived.length - arrivals.size;
  return verdict;
}

function createVerdict(): { verdict: DeliveryVerdict; report: Report } {
  const { verdict, report } = createStreamVerdict();
  // The same object, to which `report` adds.
  return { verdict: Object.assign(verdict, { delivered: 0, repeated: 0 }), report };
}

function groupBy<T, K>(items: readonly T[], toKey: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(toKey(item));
    if (group) group.push(item);
    else groups.set(toKey(item), [item]);
  }
  return groups;
}
