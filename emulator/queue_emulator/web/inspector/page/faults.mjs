/** Fault rules: with their counts, on and off, from ready ones or a form. */
import { change, look } from "./api.mjs";
import { field, h, oneLine, replace, select, toast } from "./dom.mjs";
import { locations, on } from "./state.mjs";

const VERDICTS = [["fail_before", "fails, and does not happen"], ["fail_after", "happens, but the answer is an error"], ["delay", "waits"], ["drop_replication", "is not seen elsewhere"]];
const OPERATIONS = [["", "any operation"], ["get", "get"], ["get_bulk", "get_bulk"], ["put", "put"], ["delete", "delete"], ["list", "list"]];
const WATCHED_MS = 2_000;

export class FaultsCard {
  constructor() {
    this.off = []; // rules that were switched off here
    this.rules = h("ul", { class: "rules" });
    this.presets = h("div", { class: "presets" });
    this.form = form((rule) => this.add(rule));
    this.element = h("div", { class: "card" }, h("h2", {}, "Faults"),
      this.rules, h("h3", {}, "Ready to use"), this.presets, h("h3", {}, "Your own rule"), this.form);
    this.ends = [on("overview", () => this.showPresets()), on("events", () => this.refresh())];
    this.ticking = setInterval(() => { if (!document.hidden) this.refresh(); }, WATCHED_MS);
    this.showPresets();
    this.refresh();
  }

  end() {
    for (const end of this.ends) end();
    clearInterval(this.ticking);
  }

  showPresets() {
    const places = locations(), last = places.at(-1);
    const ready = [
      ["Make the next lease write fail, once", { verdict: "fail_before", operation: "put", key_prefix: "queue:lease:", times: 1 }],
      ["The next write happens, but its answer is lost", { verdict: "fail_after", operation: "put", times: 1 }],
      ["Every second read fails with 503", { verdict: "fail_before", operation: "get", status: 503, percent: 50 }],
      ["Lists wait for 5 seconds", { verdict: "delay", operation: "list", for_s: 5 }],
      ...(places.length > 1 ? [[`${last} sees no write for 5 minutes`, { verdict: "drop_replication", to: last, for_s: 300 }]] : []),
    ];
    const told = JSON.stringify(ready);
    if (told === this.shownPresets) return;
    this.shownPresets = told;
    replace(this.presets, ready.map(([text, rule]) => h("button", { onclick: () => this.add(rule) }, text)));
    this.form.places(places);
  }

  async refresh() {
    try {
      const { rules } = await look("faults");
      const told = JSON.stringify([rules, this.off]);
      if (told === this.told) return;
      this.told = told;
      replace(this.rules, rules.map((rule) => this.rule(rule, true)), this.off.map((rule) => this.rule(rule, false)),
        rules.length + this.off.length ? null : h("li", { class: "soft" }, "No rule: everything works. Take one below, or make one."));
    } catch (error) { replace(this.rules, h("li", { class: "bad" }, error.message)); }
  }

  rule(rule, active) {
    const name = words(rule);
    return h("li", { class: `rule${active ? "" : " off"}` },
      h("label", { class: "field-inline" }, h("input", { type: "checkbox", checked: active, "aria-label": `On: ${name}`, onchange: () => (active ? this.switchOff(rule) : this.switchOn(rule)) }), active ? `rule ${rule.id}` : "off"),
      h("span", { class: "what" }, name),
      active ? h("span", { class: "count small soft" }, `applied to ${rule.given} of ${rule.matched} ${rule.matched === 1 ? "match" : "matches"}`) : null,
      h("button", { class: "plain danger", "aria-label": `Remove: ${name}`, onclick: () => this.remove(rule, active) }, "✕"));
  }

  async add(rule) {
    await this.does(async () => {
      const { id } = await change("POST", "faults", rule);
      toast(`Rule ${id} is in force`);
    });
  }

  async switchOff(rule) {
    await this.does(async () => {
      await change("DELETE", `faults/${rule.id}`);
      this.off.push(rule);
    });
  }

  async switchOn(rule) {
    const { id, matched, given, ...members } = rule;
    await this.does(async () => {
      await change("POST", "faults", members);
      this.off = this.off.filter((each) => each !== rule);
    });
  }

  async remove(rule, active) {
    if (active) await this.does(() => change("DELETE", `faults/${rule.id}`));
    else { this.off = this.off.filter((each) => each !== rule); await this.refresh(); }
  }

  async does(what) {
    try { await what(); } catch (error) { toast(error.message, "error"); this.told = null; } // a box that was ticked in vain is drawn again
    await this.refresh();
  }
}

/** A rule in a sentence. */
function words(rule) {
  const verdict = { fail_before: `fails with ${rule.status}`, fail_after: `happens, and fails with ${rule.status}`, delay: `waits for ${rule.for_s} s`, drop_replication: `is not seen at ${rule.to} for ${rule.for_s} s` }[rule.verdict];
  const which = `${rule.nth ? `The match number ${rule.nth}: ` : ""}${rule.operation ? `a ${rule.operation}` : "an operation"}`;
  const where = [rule.key_prefix ? `of ${oneLine(rule.key_prefix)}…` : "", rule.location ? `at ${rule.location}` : "", rule.namespace ? `in ${rule.namespace}` : ""].filter(Boolean).join(" ");
  const often = [rule.times ? (rule.times === 1 ? "once" : `${rule.times} times`) : "", rule.percent !== undefined && rule.percent !== 100 ? `in ${rule.percent} % of matches` : ""].filter(Boolean).join(", ");
  return `${which} ${where} ${verdict}${often ? `, ${often}` : ""}`.replace(/\s+/g, " ");
}

function form(add) {
  const verdict = select(VERDICTS, { onchange: () => shown() });
  const operation = select(OPERATIONS), prefix = h("input", { class: "mono", placeholder: "any key", spellcheck: "false" });
  const status = select([[500, "500"], [429, "429"], [502, "502"], [503, "503"], [504, "504"]]);
  const seconds = h("input", { type: "number", min: 0, step: "any", value: 5 }), to = select([]), at = select([]);
  const nth = h("input", { type: "number", min: 1, placeholder: "every" }), times = h("input", { type: "number", min: 1, placeholder: "always" });
  const percent = h("input", { type: "number", min: 0, max: 100, value: 100 });
  const fields = { status: field("With status", status), seconds: field("For seconds", seconds), to: field("Not seen at", to) };
  function shown() {
    fields.status.hidden = !verdict.value.startsWith("fail");
    fields.seconds.hidden = verdict.value.startsWith("fail");
    fields.to.hidden = verdict.value !== "drop_replication";
  }
  const element = h("form", {
    class: "form-grid",
    onsubmit: (event) => {
      event.preventDefault();
      const rule = { verdict: verdict.value, operation: operation.value || undefined, key_prefix: prefix.value || undefined, location: at.value || undefined,
        nth: Number(nth.value) || undefined, times: Number(times.value) || undefined, percent: Number(percent.value) };
      if (!fields.status.hidden) rule.status = Number(status.value);
      if (!fields.seconds.hidden) rule.for_s = Number(seconds.value);
      if (!fields.to.hidden) rule.to = to.value;
      add(rule);
    },
  },
    field("Which", operation), field("Key begins with", prefix), field("At", at), h("div", { class: "wide-field" }, field("What happens", verdict)), fields.status, fields.seconds, fields.to,
    field("Only the nth match", nth), field("At most times", times), field("Percent of matches", percent), h("p", { class: "whole-row" }, h("button", { class: "main" }, "Add the rule")));
  element.places = (places) => {
    replace(to, places.map((each) => h("option", { value: each }, each)));
    replace(at, [["", "any location"], ...places.map((each) => [each, each]), ["API", "the API"]].map(([value, text]) => h("option", { value }, text)));
  };
  shown();
  return element;
}
