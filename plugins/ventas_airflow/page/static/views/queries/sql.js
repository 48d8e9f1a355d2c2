/** Free SQL: one query that only reads, with limits, and a button that cancels it. */
import { get, post, remove } from "../../lib/api.js";
import { h, setText } from "../../lib/dom.js";
import { has, t } from "../../lib/texts.js";
import { complete } from "./complete.js";
import { resultOf } from "./result.js";

const WORDS =
  "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT AS AND OR NOT IN BETWEEN LIKE IS NULL CASE WHEN " +
  "THEN ELSE END DISTINCT JOIN ON WITH UNION ALL FILTER DESC ASC COUNT SUM AVG MIN MAX ROUND CAST " +
  "COALESCE NULLIF APPROX_QUANTILE_DS APPROX_COUNT_DISTINCT_DS_HLL TIME_FLOOR TIME_EXTRACT " +
  "TIME_FORMAT TIMESTAMPADD TIMESTAMPDIFF CURRENT_TIMESTAMP MILLIS_TO_TIMESTAMP " +
  "TIMESTAMP_TO_MILLIS EXPLAIN PLAN FOR";
/** Most characters of a query that are kept in the address. */
const KEPT = 1500;
/** Milliseconds between two tries to cancel a query that still runs. */
const CANCEL_AGAIN_MS = 300;

function example(table) {
  return `SELECT plataforma, COUNT(*) AS ventas
FROM "${table}"
WHERE estado = 'pendiente' AND __time >= TIMESTAMPADD(HOUR, -24, CURRENT_TIMESTAMP)
GROUP BY 1
ORDER BY ventas DESC`;
}

/** The digits of a random UUID: without TLS the browser has no `crypto.randomUUID`. */
function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What a column of the sales holds; its name if it has no text yet. */
function titleOf(name) {
  const key = `queries.fields.${name}`;
  return has(key) ? t(key) : name;
}

export function sqlBox(state) {
  const notice = h("p.notice", { role: "status" });
  const area = h("textarea", {
    id: "sql",
    rows: 8,
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    "aria-describedby": "sql-help",
    onkeydown(event) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        run();
      }
    },
  });
  const rows = h("input", { type: "number", id: "sql-rows", min: 1, step: 1, required: true });
  const seconds = h("input", { type: "number", id: "sql-seconds", min: 1, step: 1, required: true });
  const runButton = h("button.primary", { type: "button", onclick: run }, t("queries.run"));
  const cancelButton = h("button", { type: "button", disabled: true, onclick: cancel }, t("queries.cancel"));
  const columns = h("ul.columns");
  const result = resultOf();
  let known = [];
  let running = null;

  const element = h(
    "div.queries",
    {},
    h(
      "section.card",
      { "aria-labelledby": "columns-title" },
      h("h2", { id: "columns-title" }, t("queries.columns")),
      columns,
    ),
    h(
      "div.query",
      {},
      h(
        "section.card",
        { "aria-labelledby": "sql-title" },
        h("h2", { id: "sql-title" }, h("label", { for: "sql" }, t("queries.sql"))),
        h("p.note", { id: "sql-help" }, t("queries.sqlHelp")),
        h("div.area", {}, area, complete(area, () => known, t("queries.completions"))),
        h(
          "div.filters",
          {},
          h("div.field", {}, h("label", { for: "sql-rows" }, t("queries.rowLimit")), rows),
          h("div.field", {}, h("label", { for: "sql-seconds" }, t("queries.timeLimit")), seconds),
          runButton,
          cancelButton,
        ),
        notice,
      ),
      result.element,
    ),
  );

  function busy(isBusy) {
    runButton.disabled = isBusy;
    cancelButton.disabled = !isBusy;
  }

  async function run() {
    if (running || !rows.reportValidity() || !seconds.reportValidity()) return;
    const mine = { id: newId() };
    running = mine;
    busy(true);
    setText(notice, "");
    result.busy();
    const body = { sql: area.value, id: mine.id, rows: Number(rows.value), seconds: Number(seconds.value) };
    state.update({ sql: body.sql.length <= KEPT ? body.sql : null });
    try {
      const answer = await post("api/sql", body);
      for (const column of answer.columns) column.title = column.name;
      result.show(answer, "consulta", undefined, t("queries.sql"));
    } catch (error) {
      result.clear();
      setText(notice, error.status === 403 ? t("queries.notAllowed") : error.message);
    }
    running = null;
    busy(false);
  }

  async function cancel() {
    const mine = running;
    cancelButton.disabled = true;
    try {
      // Druid misses a cancellation while it plans, and between two steps of a query.
      while (mine && running === mine) {
        await remove(`api/sql/${mine.id}`);
        await new Promise((done) => setTimeout(done, CANCEL_AGAIN_MS));
      }
    } catch (error) {
      setText(notice, error.message);
      if (running) cancelButton.disabled = false;
    }
  }

  get("api/columns")
    .then((found) => {
      known = [
        ...found.columns.map(({ name, type }) => ({ text: name, note: `${titleOf(name)} · ${type}` })),
        { text: found.table, note: t("queries.table") },
        ...WORDS.split(" ").map((text) => ({ text, note: "" })),
      ];
      rows.value = found.rows.default;
      rows.max = found.rows.most;
      seconds.value = found.seconds.default;
      seconds.max = found.seconds.most;
      area.value = state.params.get("sql") ?? example(found.table);
      columns.replaceChildren(
        ...found.columns.map(({ name, type }) =>
          h(
            "li",
            {},
            h(
              "button",
              {
                type: "button",
                title: titleOf(name),
                onclick() {
                  area.setRangeText(name, area.selectionStart, area.selectionEnd, "end");
                  area.focus();
                },
              },
              h("code", {}, name),
              " ",
              h("small", {}, type),
            ),
          ),
        ),
      );
    })
    .catch((error) => setText(notice, error.message));

  return {
    element,
    changed() {},
    unmount() {
      if (running) remove(`api/sql/${running.id}`).catch(() => {});
    },
  };
}
