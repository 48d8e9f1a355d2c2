/** Argentina as tiles, one for each jurisdiction, each roughly in its geographic place. */
import { h, keyed } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { t } from "../../lib/texts.js";

let tiles;

export async function map(element, provinces, state) {
  tiles ??= fetch(new URL("../../data/provinces.json", import.meta.url), {
    credentials: "same-origin",
  }).then((answer) => answer.json());
  const places = Object.entries(await tiles).map(([name, tile]) => ({ name, ...tile }));
  const found = new Map(provinces.map((row) => [row.name, row]));
  const largest = Math.max(1, ...provinces.map((row) => row.sales));
  const total = provinces.reduce((sum, row) => sum + row.sales, 0);
  keyed(
    element,
    places,
    (tile) => tile.name,
    (tile) => {
      const button = h("button", { type: "button" }, h("b", {}, tile.code), h("span"));
      button.style.gridRow = tile.row;
      button.style.gridColumn = tile.column;
      button.addEventListener("click", () => {
        const chosen = state.params.get("provincia") === tile.name;
        state.update({ provincia: chosen ? "" : tile.name });
      });
      return button;
    },
    (button, tile) => {
      const row = found.get(tile.name);
      const sales = row?.sales ?? 0;
      const share = (sales / largest) * 100;
      const told = t("live.tile", {
        name: tile.name,
        sales: format.count(sales),
        share: format.percent(total ? sales / total : 0, 1),
        income: format.money(row?.revenue_centavos ?? 0, { short: true }),
      });
      button.style.setProperty("--share", share.toFixed(1));
      button.classList.toggle("strong", share > 55);
      button.title = told;
      button.setAttribute("aria-label", told);
      button.setAttribute("aria-pressed", String(state.params.get("provincia") === tile.name));
      button.lastChild.textContent = sales ? format.count(sales) : "·";
    },
  );
}
