/** A schedule played step by step: the person says who goes next, after which pause, with which fault. */
import { look } from "./api.mjs";
import { field, h, picture, replace, select, toast } from "./dom.mjs";

const FAULTS = { fail_before: "it fails and does not happen", fail_after: "it happens, and fails", killed: "the run is killed before it" };

export class Player {
  constructor(stage, schedule, finding) {
    this.stage = stage;
    this.schedule = schedule;
    this.title = finding ? finding.title : `The scenario ${schedule}`;
    this.choices = [];
    this.step();
  }

  async step() {
    try {
      this.told = await look("explore/play", { schedule: this.schedule, choices: this.choices });
    } catch (error) {
      toast(error.message, "error");
      this.choices.pop();
      return;
    }
    this.draw();
  }

  choose(choice) {
    this.choices.push(choice);
    this.step();
  }

  back() {
    this.choices.pop();
    this.step();
  }

  draw() {
    const { told } = this, focused = this.stage.contains(document.activeElement);
    const drawn = told.picture ? h("div", { class: "picture-frame", tabindex: 0, role: "group", "aria-label": "What happened so far" }, picture(told.picture, "What happened so far")) : null;
    replace(this.stage, h("h2", {}, this.title), this.actors(), this.outcome(), told.ended ? null : this.next(),
      h("p", { class: "actions" },
        h("button", { disabled: !this.choices.length, onclick: () => this.back() }, "Back one step"),
        h("button", { disabled: !this.choices.length, onclick: () => { this.choices = []; this.step(); } }, "From the beginning"),
        told.ended ? null : h("button", { onclick: () => this.choose({ end: true }) }, "End here, and look")), drawn);
    if (drawn) drawn.scrollTop = drawn.scrollHeight;
    if (focused) this.stage.querySelector("button:not(:disabled)")?.focus();
  }

  actors() {
    const { scenario } = this.told;
    return h("ul", { class: "script" }, scenario.before.length ? h("li", { class: "soft" }, `At first: ${scenario.before.join(", ")}`) : null,
      scenario.actors.map((each) => h("li", {}, h("b", {}, each.name), ` at ${each.location}: ${each.script.join(", ")}`)));
  }

  outcome() {
    if (!this.told.ended) return null;
    const broken = this.told.broken;
    if (!broken.length) return h("p", { class: "outcome", role: "status" }, "Nothing is broken: every guarantee holds.");
    return h("div", { class: "outcome broken", role: "status" }, broken.map((each) => h("p", {}, `${each.title}: ${each.why}`)));
  }

  /** Who can go on. Pauses and faults are chosen beside it, for the next step only. */
  next() {
    const { next, suggested } = this.told;
    const names = [...new Set(next.map((each) => each.actor))];
    const of = (name) => next.find((each) => each.actor === name);
    const pauses = [...new Map(next.map((each) => [each.pause_ms, each.pause || "as usual"]))];
    const faults = [...new Set(next.map((each) => each.fault).filter(Boolean))];
    const machines = [...new Set(next.map((each) => each.machine))];
    const machine = select(machines.map((each) => [each, `${each}`]));
    const pause = select(pauses.map(([value, text]) => [value, text])), fault = select([["", "nothing"], ...faults.map((each) => [each, FAULTS[each] ?? each])]);
    const go = (name) => this.choose({ actor: name, pause_ms: Number(pause.value), fault: fault.value, machine: Number(machine.value) });
    return h("div", { class: "card" },
      suggested ? h("button", { class: "main", onclick: () => this.choose({ actor: suggested.actor, pause_ms: suggested.pause_ms, fault: suggested.fault, machine: suggested.machine }) }, `Next as found: ${suggested.actor}, ${suggested.operation}`) : null,
      h("h3", {}, "Who goes next?"),
      h("div", { class: "choices" }, names.map((name) => h("button", { class: suggested?.actor === name ? "suggested" : "", onclick: () => go(name) },
        of(name).begins ? `${name} begins: ${of(name).begins}` : `${name} goes on: ${of(name).continues ?? ""}`))),
      h("div", { class: "form-grid" }, pauses.length > 1 ? field("After a pause", pause) : null, faults.length ? field("What goes wrong", fault) : null, machines.length > 1 ? field("Served by machine", machine) : null));
  }
}
