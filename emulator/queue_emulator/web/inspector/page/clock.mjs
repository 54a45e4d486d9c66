/** The clock, and the fault rules below it. */
import { change } from "./api.mjs";
import { h, replace, toast } from "./dom.mjs";
import { FaultsCard } from "./faults.mjs";
import { now, on, real, refresh, state } from "./state.mjs";
import { dateTime, span } from "./time.mjs";

export class ClockView {
  constructor() {
    this.face = h("p", { class: "clock-face", "aria-live": "off" });
    this.note = h("p", { class: "soft" });
    this.freeze = h("button", { onclick: () => this.move({ freeze: !state.overview.clock.frozen }) });
    this.time = h("input", { class: "mono", placeholder: "2026-11-23T17:00:00Z", "aria-label": "Time to set" });
    this.faults = new FaultsCard();
    const step = (text, body, title) => h("button", { title, onclick: () => this.move(body) }, text);
    this.buttons = h("div", { class: "actions" }, step("+1 s", { advance_s: 1 }), step("+60 s", { advance_s: 60 }, "Every copy is older than its minute then"),
      step("To the next expiry", { to: "next expiry" }, "Leases and tasks expire, one after the other"), this.freeze,
      h("button", { onclick: () => this.move({ set: Date.now() }) }, "This machine's time"));
    this.set = h("form", { class: "actions", onsubmit: (event) => { event.preventDefault(); this.move({ set: this.time.value.trim() }); } },
      h("span", { class: "grow" }, this.time), h("button", {}, "Set"));
    this.element = h("section", { class: "view", "aria-label": "Clock and faults" }, h("div", { class: "page two" },
      h("div", { class: "card" }, h("h2", {}, "Clock"), this.face, this.note, this.buttons, this.set,
        h("p", { class: "small soft" }, "Every expiry, lease, copy and timestamp follows this clock. Nobody has to wait for anything.")),
      this.faults.element));
    this.ends = [on("overview", () => this.show())];
    this.ticking = setInterval(() => this.tick(), 100);
    this.show();
  }

  end() {
    for (const end of this.ends) end();
    clearInterval(this.ticking);
    this.faults.end();
  }

  focus() {
    this.buttons.firstElementChild.focus();
  }

  show() {
    const clock = state.overview.clock;
    replace(this.freeze, clock.frozen ? "Let it run" : "Freeze");
    const ahead = clock.offset_ms;
    replace(this.note, real() ? "The machine's time: the clock of a real namespace cannot be moved."
      : `${clock.frozen ? "Frozen" : "Running"}${Math.abs(ahead) < 500 ? "" : `, ${span(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} this machine`}`);
    for (const control of [...this.buttons.children, ...this.set.querySelectorAll("input, button")]) control.disabled = real();
    this.tick();
  }

  tick() {
    replace(this.face, dateTime(now()));
  }

  async move(body) {
    try {
      await change("POST", "clock", body);
      await refresh();
    } catch (error) { toast(error.message, "error"); }
  }
}
