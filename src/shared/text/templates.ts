/** The templates from which endpoints can be created (G45). Their endpoints are in src/management/projects/template-endpoints.ts. */

export const TEMPLATE_IDS = ["chat", "sensors", "to-do", "feedback"] as const;
export type TemplateId = (typeof TEMPLATE_IDS)[number];

export interface Template {
  id: TemplateId;
  label: string;
  description: string;
  /** The data of a record of the main endpoint. */
  sample: unknown;
}

export const TEMPLATES: readonly Template[] = [
  {
    id: "chat",
    label: "Chat",
    description: "Everyone reads and writes messages. Nobody can change or delete one.",
    sample: { from: "Ada", text: "Hello!" },
  },
  {
    id: "sensors",
    label: "Sensors",
    description: "Devices store readings, and a page shows the newest ones live.",
    sample: { sensor: "kitchen", temperature: 21.5, humidity: 48 },
  },
  {
    id: "to-do",
    label: "To-do list",
    description: "A shared list that stays the same in all open pages.",
    sample: { title: "Buy milk", done: false },
  },
  {
    id: "feedback",
    label: "Feedback form",
    description: "Visitors send messages. Only you can read them, in the dashboard.",
    sample: { message: "I like it.", rating: 5 },
  },
];

/** Whether a text, such as a parameter of a page, is the id of a template. */
export function isTemplateId(text: unknown): text is TemplateId {
  return TEMPLATE_IDS.some((id) => id === text);
}

export function findTemplate(id: TemplateId): Template {
  const template = TEMPLATES.find((each) => each.id === id);
  if (!template) throw new Error(`There is no template ${id}.`);
  return template;
}
