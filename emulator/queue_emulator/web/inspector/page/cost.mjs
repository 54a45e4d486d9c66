/** What the traffic costs: operations by route, a day and a month of it, and how far the quotas are. */
import { look } from "./api.mjs";
import { h, replace, select } from "./dom.mjs";
import { on } from "./state.mjs";
import { number, span } from "./time.mjs";

const KINDS = ["reads", "writes", "deletes", "lists"];

export class CostView {
  constructor() {
    this.over = select([["", "the time it took"], ["60", "one minute"], ["3600", "one hour"], ["86400", "one day"]], { onchange: () => this.refresh() });
    this.body = h("div", { class: "page" });
    this.element = h("section", { class: "view", "aria-label": "Cost" },
      h("div", { class: "tools" }, h("label", { class: "field-inline" }, "This traffic happens in", this.over)), this.body);
    this.ends = [on("events", () => this.refresh()), on("reset", () => this.refresh())];
    this.refresh();
  }

  end() {
    for (const end of this.ends) end();
  }

  focus() {
    this.over.focus();
  }

  async refresh() {
    if (this.asking) { this.againDue = true; return; }
    this.asking = true;
    try {
      const told = await look(this.over.value ? `cost?over_s=${this.over.value}` : "cost");
      replace(this.body, Object.keys(told.routes).length ? draw(told) : nothing());
    } catch (error) { replace(this.body, h("p", { class: "bad" }, error.message)); }
    this.asking = false;
    if (this.againDue) { this.againDue = false; this.refresh(); }
  }
}

function draw(told) {
  const estimate = told.estimate;
  return [
    estimate ? h("div", { class: "columns two" }, free(estimate), paid(estimate, told.over_s)) : h("p", { class: "card" }, "The traffic was too short to compute a day from it: choose above in which time it happens."),
    h("div", { class: "card scroll-x", tabindex: 0, role: "group", "aria-label": "Operations by route" }, h("table", { class: "plain" }, h("caption", { class: "visually-hidden" }, "KV operations by route"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Route"), ["requests", ...KINDS].map((kind) => h("th", { scope: "col", class: "number" }, kind)))),
      h("tbody", {}, Object.entries(told.routes).map(([route, counts]) => line(route, counts)), line("all", told.operations)))),
  ];
}

function line(name, counts) {
  return h("tr", {}, h("th", { scope: "row" }, name), ["requests", ...KINDS].map((kind) => h("td", { class: "number" }, counts[kind] === undefined ? "" : number(counts[kind]))));
}

function free(estimate) {
  const over = estimate.free.exceeded;
  return h("div", { class: "card" }, h("h2", {}, "Free plan"),
    h("p", { class: over.length ? "bad" : "good" }, over.length ? `Fails each day: too many ${over.join(", ")}.` : "Within the quotas of a day."),
    KINDS.map((kind) => {
      const used = estimate.operationsPerDay[kind] ?? 0, quota = estimate.free.quotaPerDay[kind];
      return h("div", { class: "quota" }, h("div", { class: "quota-line" }, h("span", {}, kind), h("span", {}, `${number(used)} of ${number(quota)} a day`)),
        h("progress", { max: quota, value: Math.min(used, quota), class: used > quota ? "over" : "", "aria-label": `${kind} of the day's quota` }));
    }));
}

function paid(estimate, over) {
  return h("div", { class: "card" }, h("h2", {}, "Paid plan"), h("p", { class: "big" }, `$${number(estimate.paid.dollarsPerMonth.toFixed(2))} a month`),
    h("p", {}, `$${estimate.paid.dollarsPerDay} a day, with the $${estimate.paid.ofWhichSubscription} a month of the subscription.`),
    h("p", { class: "small soft" }, `This traffic, ${span(over * 1000)} of it, repeated all day; prices of ${estimate.pricesAsOf}.`));
}

function nothing() {
  return h("div", { class: "empty" }, h("h2", {}, "No traffic yet"), h("p", {}, "Send requests to your Worker: what they ask of KV is counted by route, and a day and a month of it are priced here."));
}
