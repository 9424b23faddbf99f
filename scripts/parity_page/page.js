const data = JSON.parse(document.getElementById("data").textContent);

// Charts: colours are the page's own variables, so that they follow it into the dark.

const common = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  background: null,
  config: {
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null },
    axis: {
      labelColor: "var(--soft)", titleColor: "var(--soft)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      domainColor: "var(--line)", tickColor: "var(--line)", gridColor: "var(--line)", labelPadding: 6,
    },
  },
};
const options = { actions: false, renderer: "svg", tooltip: { disableDefaultStyle: true } };
const draw = (element, spec) => window.vegaEmbed(element, { ...common, width: "container", ...spec }, options);

// A long name takes two lines: ReactionLaugh, UserImageReaction.
const words = (pair) => (pair.metric_type.length > 10 ? pair.metric_type.split(/(?=[A-Z][a-z]+$)/) : [pair.metric_type]);

// How many entities of a pair differ, as a colour: none, and a step for each power of ten.
const shade = (none, some) => ({
  field: "differing", type: "quantitative", legend: null,
  scale: { type: "threshold", domain: [1, 10, 100, 1000], range: [none, ...[1, 2, 3, 4].map((step) => `var(--${some}-${step})`)] },
});

function tiles(element) {
  const column = {};
  const values = data.pairs.map((pair) => ({
    ...pair,
    column: (column[pair.entity_type] = (column[pair.entity_type] ?? 0) + 1),
    words: words(pair),
    labelled: [...words(pair), pair.differing.toLocaleString("en")],
    url: `#pair-${pair.entity_type}-${pair.metric_type}`,
  }));
  const most = Math.max(...Object.values(column));
  return draw(element, {
    description: "One tile for each entity type and metric",
    data: { values },
    params: [{ name: "cell", expr: `width / ${most}` }],
    height: 44 * Object.keys(column).length,
    encoding: {
      x: { field: "column", type: "ordinal", axis: null, scale: { paddingInner: 0.06, paddingOuter: 0 } },
      y: {
        field: "entity_type", type: "nominal", sort: null, title: null, scale: { paddingInner: 0.12, paddingOuter: 0 },
        axis: { domain: false, ticks: false },
      },
      href: { field: "url" },
      tooltip: [
        { field: "name", title: "title" },
        { field: "expected", format: ",", title: "Expected" },
        { field: "actual", format: ",", title: "Actual" },
        { field: "entities", format: ",", title: "Entities" },
        { field: "differing", format: ",", title: "Differing" },
      ],
    },
    resolve: { scale: { fill: "independent" } },
    layer: [
      {
        mark: { type: "rect", cornerRadius: 3, cursor: "pointer" },
        encoding: {
          fill: shade("var(--accent-soft)", "off"),
          // A few that differ are about as light as none; an edge tells them apart.
          stroke: { condition: { test: "datum.differing > 0", value: "var(--alarm)" }, value: null },
        },
      },
      {
        mark: {
          type: "text", fontSize: 10, lineHeight: 12, cursor: "pointer", baseline: "middle",
          limit: { expr: "cell > 60 ? cell - 6 : 0" },
          dy: { expr: "cell > 60 ? -6 * (length(datum.words) - (datum.differing > 0 ? 0 : 1)) : 0" },
          text: {
            expr: "cell > 60 ? (datum.differing > 0 ? datum.labelled : datum.words)"
              + " : (datum.differing > 0 ? format(datum.differing, datum.differing < 1000 ? 'd' : '.1~s') : '')",
          },
        },
        encoding: { fill: shade("var(--on-accent-soft)", "on-off") },
      },
    ],
  });
}

function kinds(element) {
  const signs = { missing: -1, too_low: -1, too_high: 1, extra: 1 };
  const values = data.pairs.flatMap((pair) =>
    Object.keys(signs)
      .filter((kind) => pair[kind])
      .map((kind, order) => ({
        name: pair.name, kind: kind.replace("_", " "), entities: pair[kind], signed: signs[kind] * pair[kind],
        order: kind.startsWith("too") ? 0 : 1,
      })),
  );
  const most = Math.max(...values.map((row) => Math.abs(row.signed)));
  return draw(element, {
    description: "Entities that have too little or too much, by pair",
    data: { values },
    height: 28 * data.differing.length,
    mark: { type: "bar", height: { band: 0.6 } },
    encoding: {
      y: { field: "name", type: "nominal", sort: data.differing, title: null, axis: { domain: false, ticks: false, labelLimit: 190 } },
      x: {
        field: "signed", type: "quantitative", title: "← too little · entities · too much →", stack: "zero",
        scale: { nice: true },
        axis: { labelExpr: "format(abs(datum.value), ',')", tickCount: Math.min(6, 2 * most + 1), tickMinStep: 1, domain: false, ticks: false },
      },
      order: { field: "order" },
      fill: { value: "var(--alarm)" },
      opacity: { condition: { test: "datum.order == 0", value: 0.5 }, value: 1 },
      tooltip: [
        { field: "name", title: "title" },
        { field: "kind", title: "Kind" },
        { field: "entities", format: ",", title: "Entities" },
      ],
    },
  });
}

function months(element, domain) {
  const values = data.months.filter((row) => row.entity_type === element.dataset.entityType);
  return draw(element, {
    description: `Events of ${element.dataset.entityType} per month`,
    data: { values },
    height: 72,
    mark: { type: "bar", fill: "var(--accent)", binSpacing: 0.5 },
    encoding: {
      x: {
        field: "month", type: "temporal", timeUnit: "utcyearmonth", title: null, scale: { type: "utc", domain },
        axis: { format: "%Y", tickCount: { interval: "year", step: 1 }, grid: false, labelFontSize: 11, labelFlush: true },
      },
      y: {
        field: "events", type: "quantitative", title: null,
        // The same room around each, so that they stand in line.
        scale: { domain: [0, 1.12 * Math.max(1, ...values.map((row) => row.events))], nice: false },
        axis: { minExtent: 28, maxExtent: 28, labelExpr: "format(datum.value, '~s')", tickCount: 2, tickMinStep: 1, domain: false, ticks: false, labelFontSize: 11 },
      },
      tooltip: [
        { field: "month", type: "temporal", timeUnit: "utcyearmonth", format: "%B %Y", title: "title" },
        { field: "events", format: ",", title: "Events" },
      ],
    },
  });
}

function corrections(element) {
  const day = 24 * 60 * 60 * 1000;
  const days = data.corrections.map((row) => Date.parse(row.day));
  // At least two weeks, so that a day is as wide as a day.
  const last = Math.max(...days);
  return draw(element, {
    description: "Entities corrected, by day",
    data: { values: data.corrections },
    height: 140,
    mark: { type: "bar", fill: "var(--accent)", stroke: "var(--paper)", strokeWidth: 0.5 },
    encoding: {
      x: {
        field: "day", type: "temporal", timeUnit: "utcyearmonthdate", title: null,
        scale: { type: "utc", domain: [Math.min(...days, last - 13 * day), last + day] },
        axis: { format: "%-d %b %Y", labelAngle: 0, labelOverlap: true, grid: false, tickCount: 6 },
      },
      y: { field: "entities", type: "quantitative", title: "entities", axis: { labelExpr: "format(datum.value, ',')", tickCount: 4, tickMinStep: 1, domain: false, ticks: false } },
      detail: { field: "entity_type" },
      tooltip: [
        { field: "entity_type", title: "title" },
        { field: "day", type: "temporal", timeUnit: "utcyearmonthdate", format: "%-d %B %Y", title: "Day" },
        { field: "entities", format: ",", title: "Entities" },
        { field: "value", format: "+,", title: "Corrected by" },
      ],
    },
  });
}

// A table that is sorted by its headings, and searched.

async function pairsTable() {
  const library = new Blob([document.getElementById("datatables").textContent], { type: "text/javascript" });
  const url = URL.createObjectURL(library);
  const { default: DataTable } = await import(url);
  URL.revokeObjectURL(url);
  const differs = document.documentElement.classList.contains("differs");
  const table = new DataTable("#table-pairs", {
    paging: false,
    autoWidth: false,
    order: differs ? [[5, "desc"], [0, "asc"]] : [[0, "asc"]],
    columnDefs: [{ targets: [1, 2, 3, 4, 5, 6], orderSequence: ["desc", "asc"] }],
    layout: { topStart: null, topEnd: null, bottomStart: "info", bottomEnd: null },
    language: { info: "_TOTAL_ pairs", infoFiltered: "of _MAX_", infoEmpty: "No pair", zeroRecords: "No pair is like that." },
  });
  const search = document.getElementById("search");
  const only = document.getElementById("only-differing");
  const isDiffering = (_text, _row, index) => table.row(index).node().classList.contains("differing");
  const filter = () => table.search(search.value).search.fixed("differing", only.checked ? isDiffering : null).draw();
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  filter();
  return () => {
    search.value = "";
    only.checked = false;
    filter();
  };
}

// A link to an entity's rows opens them; a link to a pair that the table does not show makes it show all.

function open(showAll) {
  const id = location.hash.slice(1);
  if (id.startsWith("pair-") && !document.getElementById(id)) showAll();
  const target = id && document.getElementById(id);
  if (!target) return;
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
  }
  for (const row of document.querySelectorAll("tr.asked")) row.classList.remove("asked");
  target.classList.add("asked");
  target.scrollIntoView();
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    // Browsers keep the clipboard from pages that came unencrypted.
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } else {
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = "Selected";
    }
  });
}

const all = data.months.map((row) => Date.parse(row.month));
const last = new Date(Math.max(...all));
const domain = [Math.min(...all), Date.UTC(last.getUTCFullYear(), last.getUTCMonth() + 1, 1)];
const drawn = [tiles(document.getElementById("chart-tiles"))];
for (const [id, chart] of [["chart-kinds", kinds], ["chart-corrections", corrections]]) {
  const element = document.getElementById(id);
  if (element) drawn.push(chart(element));
}
for (const element of document.querySelectorAll(".month")) drawn.push(months(element, domain));
const [showAll] = await Promise.all([pairsTable(), ...drawn]);
addEventListener("hashchange", () => open(showAll));
open(showAll);
document.documentElement.dataset.ready = "yes";
