/** The search for what breaks the queue: findings arrive with their pictures, and each can be played step by step. */
import { lines, look, send } from "./api.mjs";
import { field, h, picture, replace, select, toast } from "./dom.mjs";
import { Player } from "./play.mjs";
import { state } from "./state.mjs";
import { number } from "./time.mjs";

const kept = { findings: [], progress: "", chosen: null }; // as long as the page is open

export class ExploreView {
  constructor() {
    this.scenario = select([["", "all of them, and drawn ones"]]);
    this.seconds = h("input", { type: "number", min: 1, max: 60, value: 10, required: true });
    this.seed = h("input", { type: "number", min: 0, value: 0, required: true });
    this.start = h("button", { class: "main" }, "Search");
    this.stop = h("button", { type: "button", hidden: true, onclick: () => this.stopping?.abort() }, "Stop");
    this.playScenario = h("button", { type: "button", onclick: () => this.play(this.scenario.value || this.scenario.options[1].value) }, "Play the scenario");
    this.progress = h("p", { class: "small soft", role: "status" }, kept.progress);
    this.findings = h("ul", { class: "findings" });
    this.stage = h("div", { class: "card player" });
    const form = h("form", { class: "form-grid", onsubmit: (event) => { event.preventDefault(); this.search(); } },
      field("Scenario", this.scenario), field("Seconds", this.seconds), field("Random seed", this.seed), h("div", { class: "actions whole-row" }, this.start, this.stop, this.playScenario));
    this.element = h("section", { class: "view", "aria-label": "Explore" }, h("div", { class: "page explore" },
      h("div", { class: "card" }, h("h2", {}, "What breaks the queue?"),
        h("p", { class: "soft" }, "Orders of requests and KV operations are tried on the queue's Worker, in a small world of their own: your data is not touched."),
        form, this.progress, this.findings),
      this.stage));
    this.show();
    this.nothing();
    this.scenarios();
  }

  end() {
    this.stopping?.abort();
  }

  focus() {
    this.scenario.focus();
  }

  async scenarios() {
    if (!state.overview.explore) {
      for (const each of [this.start, this.playScenario]) each.disabled = true;
      replace(this.progress, "The explorer knows the queue's own Worker, and another one runs here. Yours is explored by queue-emulator explore --scenario mine.toml.");
      return;
    }
    try {
      const { scenarios } = await look("explore");
      this.scenario.append(...scenarios.map((each) => h("option", { value: each.name, title: each.actors.map((actor) => `${actor.name} at ${actor.location}: ${actor.script.join(", ")}`).join("; ") }, each.name)));
    } catch (error) { toast(error.message, "error"); }
  }

  async search() {
    this.stopping = new AbortController();
    this.start.hidden = !(this.stop.hidden = false);
    kept.findings = [];
    this.show();
    this.told("starting");
    try {
      const body = { seconds: Number(this.seconds.value), random_seed: Number(this.seed.value), ...(this.scenario.value ? { scenario: this.scenario.value } : {}) };
      await lines(await send("POST", "explore", body, false, this.stopping.signal), (each) => each.forEach((line) => this.take(line)));
    } catch (error) {
      if (error.name === "AbortError") this.told(`${kept.progress}; stopped`);
      else { this.told(error.message); toast(error.message, "error"); }
    }
    this.start.hidden = !(this.stop.hidden = true);
  }

  take(line) {
    if (line.error) throw new Error(line.error);
    if (line.finding) {
      kept.findings.push(line.finding);
      kept.findings.sort((one, other) => one.rank - other.rank);
      this.show();
    }
    const said = line.progress ?? line.end;
    if (said) this.told(`${number(said.schedules)} schedules of ${number(said.operations)} KV operations in ${said.elapsed_s} s: ${kept.findings.length || "no"} finding${kept.findings.length === 1 ? "" : "s"}${line.end ? "" : " so far"}`);
  }

  told(text) {
    kept.progress = text;
    replace(this.progress, text);
  }

  show() {
    replace(this.findings, kept.findings.map((each) => h("li", { class: `finding${each === kept.chosen ? " chosen" : ""}` },
      h("h3", {}, each.title), h("p", {}, each.why), h("p", { class: "small soft" }, `It takes: ${each.needs}. ${each.operations} KV operations.`),
      h("p", { class: "actions" }, h("button", { onclick: () => this.look(each) }, "Picture"), h("button", { onclick: () => this.play(each.schedule, each) }, "Play it step by step")))));
  }

  nothing() {
    replace(this.stage, h("div", { class: "empty" }, h("h2", {}, "Nothing chosen yet"),
      h("p", {}, "Search, and choose a finding to see how it happens. Or play a scenario yourself: you decide who goes next.")));
  }

  look(finding) {
    kept.chosen = finding;
    this.show();
    replace(this.stage, h("h2", {}, finding.title), h("p", {}, finding.sentence),
      h("div", { class: "picture-frame", tabindex: 0, role: "group", "aria-label": "Picture" }, picture(finding.picture, `${finding.title}: ${finding.why}`)),
      h("p", { class: "actions" }, h("button", { class: "main", onclick: () => this.play(finding.schedule, finding) }, "Play it step by step")));
    this.stage.scrollIntoView({ block: "nearest" });
  }

  play(schedule, finding = null) {
    kept.chosen = finding;
    this.show();
    new Player(this.stage, schedule, finding);
    this.stage.scrollIntoView({ block: "nearest" });
  }
}
