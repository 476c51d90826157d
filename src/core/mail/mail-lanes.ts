/**
 * Decides how many mails a process sends at the same time (M2). Mail servers that projects choose can hang, on purpose too. Therefore an attempt holds a normal
 * place for a limited time, after which it is slow, and accounts whose attempts were slow have few places for a while.
 */
import { createSlowAccounts } from "@/src/core/limits/slow-accounts";
import type { LeasedMail, MailRoom } from "@/src/core/mail/ports";

/** Normal places: in total, through mail servers of projects, through the deployment's, of one account (its slow ones included), and through one host. */
const AT_ONCE_MAX = 24;
const OWN_SERVERS_MAX = 16;
const DEPLOYMENT_MAX = 16;
const PER_ACCOUNT_MAX = 4;
const PER_HOST_MAX = 8;
/** Slow attempts at the same time. One more ends the oldest of the account that has most. */
const SLOW_MAX = 16;
/** A slow account has one place, and all slow accounts together have this many. */
const SLOW_ACCOUNTS_AT_ONCE_MAX = 8;
/** Slow accounts that are remembered. */
const SLOW_ACCOUNTS_MAX = 1_000;

interface Sending {
  account: string;
  host: string | null;
  isSlow: boolean;
  giveUp: () => void;
}

export interface MailLanes {
  /** Undefined: nothing may be leased. */
  findRoom(): MailRoom | undefined;
  /** Call it for each leased mail. `giveUp` ends the attempt. Returns the function to call at its end. */
  start(mail: Pick<LeasedMail, "accountId" | "host">, giveUp: () => void): () => void;
}

/** `slowMs`: an attempt at a project's mail server that takes longer is slow. `onRoom` is called when there may be room. `now`: monotonic, in milliseconds. */
export function createMailLanes({
  slowMs,
  onRoom,
  now = () => performance.now(),
}: {
  slowMs: number;
  onRoom: () => void;
  now?: () => number;
}): MailLanes {
  /** In the order of their start. */
  const all = new Set<Sending>();
  const slowAccounts = createSlowAccounts({ max: SLOW_ACCOUNTS_MAX, now });

  function markSlow(sending: Sending): void {
    sending.isSlow = true;
    slowAccounts.mark(sending.account);
    const slow = [...all].filter(({ isSlow }) => isSlow);
    if (slow.length > SLOW_MAX) {
      const counts = count(slow, ({ account }) => account);
      const most = Math.max(...counts.values());
      slow.find(({ account }) => counts.get(account) === most)?.giveUp();
    }
    onRoom();
  }

  return {
    findRoom() {
      const normal = [...all].filter(({ isSlow }) => !isSlow);
      const own = normal.filter(({ host }) => host !== null);
      const [totalRoom, ownRoom] = [AT_ONCE_MAX - normal.length, OWN_SERVERS_MAX - own.length];
      const deploymentRoom = DEPLOYMENT_MAX - (normal.length - own.length);
      const exceptOwnServers = ownRoom <= 0;
      const exceptDeployment = deploymentRoom <= 0;
      if (totalRoom <= 0 || (exceptOwnServers && exceptDeployment)) return undefined;
      const byAccount = count(all, ({ account }) => account);
      const full = [...byAccount]
        .filter(([account, n]) => n >= (slowAccounts.has(account) ? 1 : PER_ACCOUNT_MAX))
        .map(([account]) => account);
      const slowAtOnce = normal.filter(({ account }) => slowAccounts.has(account)).length;
      const slow = slowAtOnce < SLOW_ACCOUNTS_AT_ONCE_MAX ? [] : slowAccounts.list();
      const byHost = count(own, ({ host }) => host ?? "");
      return {
        max: Math.min(totalRoom, exceptOwnServers ? totalRoom : ownRoom, exceptDeployment ? totalRoom : deploymentRoom),
        maxPerHost: PER_HOST_MAX,
        hosts: new Map([...byHost].map(([host, n]) => [host, Math.max(0, PER_HOST_MAX - n)])),
        exceptAccounts: [...new Set([...full, ...slow])],
        exceptOwnServers,
        exceptDeployment,
      };
    },
    start({ accountId, host }, giveUp) {
      const sending: Sending = { account: accountId ?? "", host, isSlow: false, giveUp };
      all.add(sending);
      // The deployment's mail server is not chosen by the account.
      const timer = host === null ? undefined : setTimeout(() => markSlow(sending), slowMs);
      timer?.unref();
      return () => {
        clearTimeout(timer);
        all.delete(sending);
        onRoom();
      };
    },
  };
}

function count<T>(items: Iterable<T>, toKey: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(toKey(item), (counts.get(toKey(item)) ?? 0) + 1);
  return counts;
}
