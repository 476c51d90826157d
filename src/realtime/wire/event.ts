/** Writes server-sent events (HTML standard, section 9.2.6) as bytes. It must not choose what they say. */

/** `id` and `event` must be of one line. */
export interface ServerEvent {
  id?: string;
  /** Its type; absent: `message`. */
  event?: string;
  /** Absent: browsers remember the id, and dispatch nothing. */
  data?: string;
  /** How long browsers wait before they reconnect. */
  retryMs?: number;
}

/** Every line of the data has a field of its own: line breaks between JSON tokens arrive, as "\n". */
export function toEvent({ id, event, data, retryMs }: ServerEvent): Buffer {
  const lines: string[] = [];
  if (retryMs !== undefined) lines.push(`retry: ${retryMs}`);
  if (id !== undefined) lines.push(`id: ${id}`);
  if (event !== undefined) lines.push(`event: ${event}`);
  if (data !== undefined) lines.push(`data: ${data.replace(/\r\n|\r|\n/g, "\ndata: ")}`);
  return Buffer.from(`${lines.join("\n")}\n\n`);
}
