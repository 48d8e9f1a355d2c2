/** A field of a query's form: `{name, element, value()}`. */
import { h } from "../../lib/dom.js";
import { momentField } from "../../lib/moment_field.js";
import { has, label as named, t } from "../../lib/texts.js";

/** Moments that the field offers; another moment is picked in a calendar. */
const TIMES = ["now", "-1h", "-24h", "-7d", "-30d", "-90d"];

export function field(parameter, label, value, offered) {
  const id = `p-${parameter.name}`;
  const input = MAKERS[parameter.kind]({ ...parameter, label }, value, id, offered);
  const element = h(
    "div.field",
    {},
    h("label", { for: id }, label),
    ...input.elements,
  );
  return { name: parameter.name, element, value: input.value };
}

const MAKERS = {
  text(parameter, value, id, offered) {
    const input = h("input", { type: "text", id, maxlength: 200, value, placeholder: t("queries.all") });
    if (!offered) return { elements: [input], value: () => input.value.trim() };
    const list = h("datalist", { id: `${id}-list` }, ...offered.map((each) => h("option", { value: each })));
    input.setAttribute("list", list.id);
    return { elements: [input, list], value: () => input.value.trim() };
  },
  number(parameter, value, id) {
    const { minimum: min, maximum: max } = parameter;
    const input = h("input", { type: "number", id, min, max, step: 1, required: true, value });
    return { elements: [input], value: () => input.value };
  },
  choice(parameter, value, id) {
    const select = h(
      "select",
      { id },
      ...parameter.choices.map((each) => h("option", { value: each, selected: each === value }, choice(parameter, each))),
    );
    return { elements: [select], value: () => select.value };
  },
  time(parameter, value, id) {
    const isOffered = TIMES.includes(value);
    const label = `${parameter.label}: ${t("queries.pick")}`;
    const picked = momentField({ "aria-label": label, label, value: isOffered ? "" : value.slice(0, 16) });
    picked.element.hidden = isOffered;
    const select = h(
      "select",
      {
        id,
        onchange() {
          picked.element.hidden = select.value !== "";
          picked.text.required = !picked.element.hidden;
          if (!picked.element.hidden) picked.text.focus();
        },
      },
      ...TIMES.map((each) =>
        h("option", { value: each, selected: each === value }, t(`queries.times.${each}`)),
      ),
      h("option", { value: "", selected: !isOffered }, t("queries.pick")),
    );
    return { elements: [select, picked.element], value: () => select.value || picked.value() };
  },
};

/** The text of a choice: of the field's values, such as "Crédito", or of the form's own choices. */
function choice({ name }, value) {
  return has(`queries.choices.${value}`) ? t(`queries.choices.${value}`) : named(name, value);
}
