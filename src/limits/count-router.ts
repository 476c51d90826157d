/** Passes counts between the worker processes of a server, in their parent process (W28). */
import { addTo, type CountChanges, type CountMessage, toChanges } from "./count-exchange";

export interface CountRouter<Process> {
  /** From now on the process receives what the others have open, and their changes. */
  join(process: Process): void;
  /** Takes back what the process had open. */
  leave(process: Process): void;
  receive(process: Process, message: CountMessage): void;
}

/** A process that does not read for about 30 s is killed (supervisor.ts). Until then, this many ids take some 10 MB. */
const TALLIES_MAX = 100_000;

type Counts = Map<string, Map<string, number>>;

interface Member {
  /** The counts of what it has open. */
  open: Counts;
  /** Counts that it has not been sent yet. Changes of one id are summed, so a process that does not read keeps at most one entry for each id. */
  gauges: Counts;
  tallies: Counts;
  isSending: boolean;
}

/**
 * `send` settles when the process has received the message, and must not reject. The router calls it for the same process again only after that.
 * `talliesMax`: the maximum number of ids whose events wait for a process. Events of further ids are not passed on, so their limits can be exceeded while
 * that process does not read. Open counts are bounded by the limits of what is open. Default: 100,000.
 */
export function createCountRouter<Process>(
  send: (process: Process, message: CountMessage) => Promise<void>,
  { talliesMax = TALLIES_MAX }: { talliesMax?: number } = {},
): CountRouter<Process> {
  const members = new Map<Process, Member>();

  function flush(process: Process, member: Member): void {
    if (member.isSending || (member.gauges.size === 0 && member.tallies.size === 0)) return;
    const message = { gauges: toChanges(member.gauges), tallies: toChanges(member.tallies) };
    member.gauges = new Map();
    member.tallies = new Map();
    member.isSending = true;
    void send(process, message).then(() => {
      member.isSending = false;
      if (members.get(process) === member) flush(process, member);
    });
  }

  function pass(origin: Process, message: CountMessage): void {
    for (const [process, member] of members) {
      if (process === origin) continue;
      addAll(member.gauges, message.gauges);
      if (countIds(member.tallies) < talliesMax) addAll(member.tallies, message.tallies);
      flush(process, member);
    }
  }

  return {
    join: (process) => {
      const member: Member = { open: new Map(), gauges: new Map(), tallies: new Map(), isSending: false };
      for (const { open } of members.values()) addAll(member.gauges, toChanges(open));
      members.set(process, member);
      flush(process, member);
    },
    leave: (process) => {
      const member = members.get(process);
      if (!member) return;
      members.delete(process);
      pass(process, { gauges: toChanges(member.open).map(([name, id, count]) => [name, id, -count] as const), tallies: [] });
    },
    receive: (process, message) => {
      const member = members.get(process);
      if (!member) return;
      addAll(member.open, message.gauges);
      pass(process, message);
    },
  };
}

function addAll(counts: Counts, changes: CountChanges): void {
  for (const [name, id, change] of changes) addTo(counts, name, id, change);
}

function countIds(counts: Counts): number {
  let ids = 0;
  for (const { size } of counts.values()) ids += size;
  return ids;
}
