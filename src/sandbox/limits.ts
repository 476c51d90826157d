/** What the sandbox takes and answers at most, besides what is a setting or a part of the protocol. It must not enforce anything. */

/** An error's message may quote the expression; so many characters of it are passed on. */
export const MESSAGE_LENGTH_MAX = 300;
/** Problems of one body that are answered. */
export const PROBLEMS_MAX = 20;

/** Where others have the processor, a job may take so many times as long as it may compute. */
export const WAIT_FACTOR = 10;
/** A job that has used so much CPU time is a long one: its caller is heavy (pool.ts). */
export const LONG_JOB_MS = 150;
/** A worker that has used so many times the CPU time of its limit, in native code that does not stop by itself, is killed. */
export const CPU_KILL_FACTOR = 1.5;
/** A worker that has not answered so long after its time is up is killed: it could not stop by itself. */
export const WATCHDOG_GRACE_MS = 500;
/** Within the worker, what the interpreter does not interrupt is cut off so long after its time is up. */
export const CUT_OFF_GRACE_MS = 100;
