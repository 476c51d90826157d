/** Says what just happened. It must not hold notices: notifications.tsx listens, shows and speaks them. */

export const NOTICE_EVENT = "rested:notice";

export interface Notice {
  text: string;
  /** Spoken, not shown: the screen says it already. */
  quiet: boolean;
}

/** Shows `text` for some seconds and has it read aloud. */
export function notify(text: string, options: { quiet?: boolean } = {}): void {
  window.dispatchEvent(new CustomEvent<Notice>(NOTICE_EVENT, { detail: { text, quiet: options.quiet ?? false } }));
}
