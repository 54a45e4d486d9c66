/** A list of any length, of which only what is seen is in the page. Rows are all of one height, which the style says. */
import { h } from "./dom.mjs";

const AROUND = 8;
const HEIGHT_MAX = 15_000_000; // browsers know no longer elements

export class Scroller {
  /** `row(index)` makes a row; `moved(first, last)` hears which are seen. */
  constructor({ label, role = "grid", row, moved = () => {}, attributes = {} }) {
    this.make = row;
    this.moved = moved;
    this.count = 0;
    this.rows = new Map();
    this.all = h("div", { class: "all", role: "presentation" });
    this.element = h("div", { class: "scroller", tabindex: 0, role, "aria-label": label, ...attributes }, this.all);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.redraw()).observe(this.element);
  }

  get height() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 40;
  }

  set(count) {
    this.count = count;
    if (this.element.getAttribute("role") === "grid") this.element.setAttribute("aria-rowcount", String(count));
    this.redraw();
  }

  /** How many pixels of the list one pixel of the scrollbar stands for. */
  get scale() {
    const view = this.element.clientHeight, whole = this.count * this.height;
    return whole <= HEIGHT_MAX ? 1 : (whole - view) / (HEIGHT_MAX - view);
  }

  /** Which rows are seen. */
  seen() {
    const height = this.height;
    const first = Math.max(0, Math.floor(this.element.scrollTop * this.scale / height));
    return [first, Math.min(this.count, first + Math.ceil(this.element.clientHeight / height) + 1)];
  }

  redraw() {
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.draw();
  }

  draw() {
    const height = this.height;
    this.all.style.height = `${Math.min(this.count * height, HEIGHT_MAX)}px`;
    const [first, last] = this.seen();
    const from = Math.max(0, first - AROUND), to = Math.min(this.count, last + AROUND);
    for (const [index, row] of this.rows) if (index < from || index >= to) { row.remove(); this.rows.delete(index); }
    const shift = this.element.scrollTop * (this.scale - 1);
    for (let index = from; index < to; index += 1) {
      let row = this.rows.get(index);
      if (row === undefined) {
        row = this.make(index);
        this.rows.set(index, row);
        this.all.append(row);
      }
      row.style.top = `${index * height - shift}px`;
    }
    this.moved(first, last);
  }

  show(index) {
    const height = this.height, top = index * height, view = this.element, seen = view.scrollTop * this.scale;
    if (top < seen) view.scrollTop = top / this.scale;
    else if (top + height > seen + view.clientHeight) view.scrollTop = (top + height - view.clientHeight) / this.scale;
    this.draw();
  }

  get atEnd() {
    return this.element.scrollTop + this.element.clientHeight >= this.element.scrollHeight - this.height;
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.draw();
  }
}
