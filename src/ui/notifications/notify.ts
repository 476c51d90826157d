/** Sends notifications, which notifications.tsx shows. */

export const NOTICE_EVENT = "rested:notice";

export interface Notice {
  text: string;
  /** Announced to screen readers, but not shown, because the screen already shows it. */
  quiet: boolean;
}

/** Shows `text` for a few seconds and announces it to screen readers. */
export function notify(text: string, options: { quiet?: boolean } = {}): void {
  window.dispatchEvent(new CustomEvent<Notice>(NOTICE_EVENT, { detail: { text, quiet: options.quiet ?? false } }));
}
