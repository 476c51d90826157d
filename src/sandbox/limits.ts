/** The sandbox's fixed limits. Limits that can be configured, or belong to the protocol, are elsewhere. */

/** Characters of an error's message that are passed on. A message can quote the expression. */
export const MESSAGE_LENGTH_MAX = 300;
/** Problems that are reported of one body. */
export const PROBLEMS_MAX = 20;

/** A job may take this many times its CPU limit if other processes have the processor. */
export const WAIT_FACTOR = 10;
/** A job that has used this much CPU time is long, and its caller is heavy (pool.ts). */
export const LONG_JOB_MS = 150;
/** A worker is killed when it has used this many times its CPU limit in native code, which cannot be interrupted. */
export const CPU_KILL_FACTOR = 1.5;
/** A worker that has not answered this long after its time is up cannot stop by itself, and is killed. */
export const WATCHDOG_GRACE_MS = 500;
/** Code in a worker that the interpreter cannot interrupt is stopped this long after its time is up. */
export const CUT_OFF_GRACE_MS = 100;
