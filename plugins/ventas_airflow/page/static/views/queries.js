import { h } from "../lib/dom.js";
import { t } from "../lib/texts.js";
import { library } from "./queries/library.js";
import { sqlBox } from "./queries/sql.js";
import { topicTail } from "./queries/tail.js";

/** Parts of the view, by name in the address: functions of the state that return an `element`. */
const PARTS = { biblioteca: library, sql: sqlBox, topico: topicTail };

export function mount(root, state) {
  const buttons = Object.keys(PARTS).map((name) =>
    h(
      "button",
      { type: "button", onclick: () => state.update({ parte: name === "biblioteca" ? null : name }) },
      t(`queries.parts.${name}`),
    ),
  );
  const choice = h("div.switch", { role: "group", "aria-label": t("queries.parts.title") }, ...buttons);
  const place = h("div");
  root.append(h("h1.hidden", {}, t("shell.views.consultas")), h("div.filters", {}, choice), place);
  let shown;
  let part;

  state.changed = () => {
    const asked = state.params.get("parte");
    const name = asked in PARTS ? asked : "biblioteca";
    Object.keys(PARTS).forEach((each, n) => buttons[n].setAttribute("aria-pressed", String(each === name)));
    if (name !== shown) {
      part?.unmount();
      shown = name;
      part = PARTS[name](state);
      place.replaceChildren(part.element);
    }
    part.changed();
  };
  state.changed();
  return () => part.unmount();
}
