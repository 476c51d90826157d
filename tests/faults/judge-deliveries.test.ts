/** Tests that the judge of mails and webhooks finds each kind of problem. */
import { describe, expect, it } from "vitest";
import type { LoggedChange } from "./judge";
import { type ArrivedEvent, type ArrivedMail, judgeEvents, judgeMails } from "./judge-deliveries";

const CLEAN = { lost: 0, doubled: 0, outOfOrder: 0, unauthorised: 0, problems: [] };

describe("the judge of mails", () => {
  const step = (seq: number, n: number, state: string, attempts: number): LoggedChange => {
    const delivery = { state, attempts, messageId: `id-${n}`, error: null };
    const data = JSON.stringify({ to: [`n${n}@example.com`], delivery });
    return { seq, type: seq === 1 ? "POST" : "PUT", recordId: `record ${n}`, data, ownerId: null };
  };
  const log = [step(1, 1, "queued", 0), step(2, 1, "sending", 1), step(3, 1, "sending", 2), step(4, 1, "sent", 2)];
  const acknowledged = [{ recordId: "record 1", messageId: "id-1", to: "n1@example.com" }];
  const mail: ArrivedMail = { messageId: "id-1", date: "today", to: "n1@example.com", isAccepted: true };

  it("[M1] allows a mail that arrives as often as it was attempted", () => {
    expect(judgeMails({ log, acknowledged, arrived: [mail, mail] })).toEqual({ ...CLEAN, delivered: 1, repeated: 1 });
  });

  it("[M1] finds a mail that was never accepted, one that nobody queued, and a record that does not say what happened", () => {
    const find = (arrived: ArrivedMail[], changes = log) => judgeMails({ log: changes, acknowledged, arrived });
    expect(find([])).toMatchObject({ lost: 1 });
    expect(find([{ ...mail, isAccepted: false }])).toMatchObject({ lost: 1 });
    expect(find([mail], [])).toMatchObject({ lost: 1, unauthorised: 1 });
    expect(find([mail], log.slice(0, 3))).toMatchObject({ lost: 1 });
    expect(find([mail], [...log.slice(0, 3), step(4, 1, "failed", 2)])).toMatchObject({ lost: 1, outOfOrder: 1 });
    expect(find([mail], [step(1, 1, "queued", 0), step(2, 1, "sent", 1)])).toMatchObject({ outOfOrder: 1 });
    expect(judgeMails({ log, acknowledged: [{ recordId: "record 1", messageId: "id-2", to: "" }], arrived: [mail] })).toMatchObject({
      lost: 1,
    });
  });

  it("[M1] finds a mail that arrives too often, with another Message-ID or date, or at somebody else", () => {
    const find = (...arrived: ArrivedMail[]) => judgeMails({ log, acknowledged, arrived });
    expect(find(mail, mail, mail)).toMatchObject({ doubled: 1 });
    expect(find(mail, { ...mail, date: "tomorrow" })).toMatchObject({ doubled: 1 });
    expect(find(mail, { ...mail, messageId: "id-2" })).toMatchObject({ doubled: 1, unauthorised: 1 });
    expect(find({ ...mail, to: "eve@example.com" })).toMatchObject({ unauthorised: 1 });
  });
});

describe("the judge of webhooks", () => {
  const log = [1, 2, 3].map(
    (seq): LoggedChange => ({ seq, type: seq < 3 ? "POST" : "PUT", recordId: `record ${seq % 2}`, data: `{"v":${seq}}`, ownerId: null }),
  );
  let count = 0;
  const arrive = (seq: number, more: Partial<ArrivedEvent> = {}): ArrivedEvent => {
    const { type, recordId, data } = log[seq - 1] ?? { type: "POST", recordId: "", data: "" };
    count += 2;
    return {
      id: `id-${seq}`,
      text: `text ${seq}`,
      seq,
      type,
      recordId,
      data,
      isSigned: true,
      arrivedAt: count,
      confirmedAt: count + 1,
      ...more,
    };
  };
  const find = (...arrived: ArrivedEvent[]) => judgeEvents({ log, arrived });

  it("[H3] allows repetitions with the same id, and any order of different records", () => {
    expect(find(arrive(2), arrive(1, { confirmedAt: undefined }), arrive(1), arrive(3))).toEqual({ ...CLEAN, delivered: 3, repeated: 1 });
  });

  it("[H3] finds changes that were never confirmed, a gap, and what is not in the log", () => {
    expect(find(arrive(1), arrive(2))).toMatchObject({ lost: 1 });
    expect(find(arrive(1), arrive(2), arrive(3, { confirmedAt: undefined }))).toMatchObject({ lost: 1 });
    expect(find(arrive(1), arrive(2), arrive(3), arrive(3, { type: "GAP", recordId: "" }))).toMatchObject({ lost: 1 });
    expect(find(arrive(1), arrive(2), arrive(3), arrive(4))).toMatchObject({ unauthorised: 1 });
    expect(find(arrive(1), arrive(2, { data: "{}" }), arrive(3))).toMatchObject({ lost: 1 });
    expect(find(arrive(1), arrive(2, { isSigned: false }), arrive(3))).toMatchObject({ unauthorised: 1 });
  });

  it("[H2] [H3] finds a repetition with another id, and a change that overtakes an earlier one of its record", () => {
    expect(find(arrive(1), arrive(1, { id: "another" }), arrive(2), arrive(3))).toMatchObject({ doubled: 2 });
    expect(find(arrive(3), arrive(1), arrive(2))).toMatchObject({ outOfOrder: 2 });
    const late = arrive(1, { confirmedAt: 1_000 });
    expect(find(late, arrive(2), arrive(3))).toMatchObject({ outOfOrder: 1 });
  });
});
