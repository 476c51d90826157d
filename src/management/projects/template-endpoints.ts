/** The endpoints of the templates (G45): schemas, access rules and sample records. The first one of a template is its main endpoint. */
import { findTemplate, type TemplateId } from "@/src/shared/text/templates";

export interface TemplateEndpoint {
  name: string;
  description: string;
  schema: Readonly<Record<string, unknown>>;
  rules: { create?: string; read?: string; update?: string; delete?: string } | null;
  /** Each matches the schema. */
  samples: readonly unknown[];
}

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });

function toSchema(properties: Record<string, unknown>, required: string[], example: unknown) {
  return { type: "object", properties, required, additionalProperties: false, examples: [example] };
}

const NO_CHANGES = { update: "false", delete: "false" };

export const TEMPLATE_ENDPOINTS: Readonly<Record<TemplateId, readonly TemplateEndpoint[]>> = {
  chat: [
    {
      name: "chat/messages",
      description: "Messages that everyone with the key reads and writes. Nobody can change or delete one.",
      schema: toSchema({ from: text(60), text: text(2_000) }, ["from", "text"], findTemplate("chat").sample),
      rules: NO_CHANGES,
      samples: [
        { from: "Ada", text: "Welcome! Open this page in two windows." },
        { from: "Grace", text: "What you write in one appears in the other at once." },
      ],
    },
  ],
  sensors: [
    {
      name: "sensors/readings",
      description: "Readings of temperature and humidity.",
      schema: toSchema(
        {
          sensor: text(60),
          temperature: { type: "number", minimum: -100, maximum: 200 },
          humidity: { type: "number", minimum: 0, maximum: 100 },
        },
        ["sensor", "temperature"],
        findTemplate("sensors").sample,
      ),
      rules: null,
      samples: [
        { sensor: "kitchen", temperature: 20.9, humidity: 47 },
        { sensor: "cellar", temperature: 12.4, humidity: 71 },
        { sensor: "kitchen", temperature: 21.2, humidity: 47 },
        { sensor: "cellar", temperature: 12.3, humidity: 72 },
        { sensor: "kitchen", temperature: 21.5, humidity: 48 },
      ],
    },
  ],
  "to-do": [
    {
      name: "to-do/tasks",
      description: "Tasks of one shared list.",
      schema: toSchema({ title: text(200), done: { type: "boolean" } }, ["title", "done"], findTemplate("to-do").sample),
      rules: null,
      samples: [
        { title: "Create the list from a template", done: true },
        { title: "Open the example page on a phone", done: false },
        { title: "Add a task with curl", done: false },
      ],
    },
  ],
  feedback: [
    {
      name: "feedback/messages",
      description: "Messages of visitors. Only the dashboard and the master key can read them.",
      schema: toSchema(
        { message: text(5_000), email: { type: "string", maxLength: 254 }, rating: { type: "integer", minimum: 1, maximum: 5 } },
        ["message"],
        findTemplate("feedback").sample,
      ),
      rules: { read: "false", ...NO_CHANGES },
      samples: [{ message: "This is a sample. Real messages appear here as they are sent.", rating: 5 }],
    },
  ],
};
