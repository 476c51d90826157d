/** The example page of a template: one HTML file that works with the endpoint. Loaded when it is shown or downloaded. Pure. */
import type { TemplateId } from "@/src/shared/text/templates";
import type { Target } from "../../snippets/snippets";
import { type ExamplePage, toHtml } from "./page-parts";

const CHAT: ExamplePage = {
  title: "Chat",
  note: "Open this page twice: what you write in one appears in the other at once.",
  style: "li { display: grid; }",
  body: `  <ul id="messages" aria-label="Messages"></ul>
  <form id="form">
    <label>Your name <input name="from" required maxlength="60" autocomplete="nickname"></label>
    <label>Message <input name="text" required maxlength="2000" autocomplete="off"></label>
    <button>Send</button>
  </form>`,
  script: `  follow((records) => {
    const items = records.slice(-200).map(({ data, createdAt }) => {
      const item = document.createElement("li");
      const about = document.createElement("span");
      about.className = "muted";
      about.textContent = data.from + ", " + new Date(createdAt).toLocaleTimeString();
      item.append(data.text, about);
      return item;
    });
    element("messages").replaceChildren(...items);
  });

  element("form").onsubmit = async (event) => {
    event.preventDefault();
    const { from, text } = event.target.elements;
    try {
      await send("POST", "", { from: from.value, text: text.value });
      text.value = "";
    } catch (error) {
      show(error.message);
    }
  };`,
};

const SENSORS: ExamplePage = {
  title: "Sensors",
  note: "The newest reading of each sensor, and its last 30.",
  style: `li { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; }
strong { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
svg { flex: 1 1 8rem; height: 2rem; }
polyline { fill: none; stroke: currentColor; stroke-width: 1.5; vector-effect: non-scaling-stroke; }`,
  body: `  <ul id="sensors" aria-label="Sensors"></ul>
  <form id="form">
    <label>Sensor <input name="sensor" value="kitchen" required maxlength="60"></label>
    <label>Temperature <input name="temperature" type="number" value="21.5" step="0.1" min="-100" max="200" required></label>
    <button>Store a reading</button>
  </form>`,
  script: `  function draw(values) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const low = Math.min(...values);
    const range = Math.max(...values) - low || 1;
    svg.setAttribute("viewBox", "0 0 100 20");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("points", values.map((value, at) => (at * 100) / Math.max(1, values.length - 1) + "," + (19 - (18 * (value - low)) / range)).join(" "));
    svg.append(line);
    return svg;
  }

  follow((records) => {
    const bySensor = new Map();
    for (const record of records) bySensor.set(record.data.sensor, [...(bySensor.get(record.data.sensor) ?? []), record]);
    const items = [...bySensor].map(([sensor, readings]) => {
      const { data, createdAt } = readings.at(-1);
      const item = document.createElement("li");
      const value = document.createElement("strong");
      const about = document.createElement("span");
      value.textContent = data.temperature.toFixed(1) + " °C";
      about.className = "muted";
      about.textContent = (data.humidity === undefined ? "" : data.humidity + " % humidity, ") + new Date(createdAt).toLocaleTimeString();
      item.append(sensor, value, about, draw(readings.slice(-30).map((reading) => reading.data.temperature)));
      return item;
    });
    element("sensors").replaceChildren(...items);
  });

  element("form").onsubmit = async (event) => {
    event.preventDefault();
    const { sensor, temperature } = event.target.elements;
    try {
      await send("POST", "", { sensor: sensor.value, temperature: temperature.valueAsNumber });
    } catch (error) {
      show(error.message);
    }
  };`,
};

const TO_DO: ExamplePage = {
  title: "To-do list",
  note: "A shared list. Every open page shows the same.",
  style: `li { display: flex; gap: 0.75rem; align-items: center; }
li label { display: flex; flex: 1; align-items: center; gap: 0.75rem; font-size: 1rem; }
input[type="checkbox"] { min-height: 0; width: 1.25rem; height: 1.25rem; }
.done { text-decoration: line-through; color: var(--muted); }`,
  body: `  <form id="form">
    <label>New task <input name="title" required maxlength="200" autocomplete="off"></label>
    <button>Add</button>
  </form>
  <ul id="tasks" aria-label="Tasks"></ul>`,
  script: `  const attempt = (work) => work.catch((error) => show(error.message));

  follow((records) => {
    const items = records.map(({ uniqueId, data }) => {
      const item = document.createElement("li");
      const label = document.createElement("label");
      const box = document.createElement("input");
      const title = document.createElement("span");
      const remove = document.createElement("button");
      box.type = "checkbox";
      box.checked = data.done;
      // Only this field is changed, so that the changes of two people are both kept.
      box.onchange = () => attempt(send("PUT", "&strategy=merge&uniqueId=" + uniqueId, { done: box.checked }));
      title.textContent = data.title;
      title.className = data.done ? "done" : "";
      remove.textContent = "Delete";
      remove.setAttribute("aria-label", "Delete " + data.title);
      remove.onclick = () => attempt(send("DELETE", "&uniqueId=" + uniqueId));
      label.append(box, title);
      item.append(label, remove);
      return item;
    });
    element("tasks").replaceChildren(...items);
  });

  element("form").onsubmit = (event) => {
    event.preventDefault();
    const { title } = event.target.elements;
    attempt(send("POST", "", { title: title.value, done: false }).then(() => { title.value = ""; }));
  };`,
};

const FEEDBACK: ExamplePage = {
  title: "Feedback",
  note: "Tell us what you think. Only the owner of this form can read it.",
  style: "form { display: grid; align-items: stretch; }",
  body: `  <form id="form">
    <label>Message <textarea name="message" rows="5" required maxlength="5000"></textarea></label>
    <label>E-mail (optional) <input name="email" type="email" maxlength="254" autocomplete="email"></label>
    <label>Rating
      <select name="rating">
        <option value="">No rating</option>
        <option value="5">5, very good</option>
        <option value="4">4</option>
        <option value="3">3</option>
        <option value="2">2</option>
        <option value="1">1, very bad</option>
      </select>
    </label>
    <button>Send</button>
  </form>`,
  script: `  element("form").onsubmit = async (event) => {
    event.preventDefault();
    const { message, email, rating } = event.target.elements;
    const body = { message: message.value };
    if (email.value) body.email = email.value;
    if (rating.value) body.rating = Number(rating.value);
    try {
      await send("POST", "", body);
      event.target.reset();
      show("Thank you. Your message was sent.");
    } catch (error) {
      show(error.message);
    }
  };`,
};

const PAGES: Readonly<Record<TemplateId, ExamplePage>> = { chat: CHAT, sensors: SENSORS, "to-do": TO_DO, feedback: FEEDBACK };

export function toExamplePage(template: TemplateId, target: Target): string {
  return toHtml(target, PAGES[template]);
}
