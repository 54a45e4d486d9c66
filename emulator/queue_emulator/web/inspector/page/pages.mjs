/** The keys of a namespace, page by page by cursor. Of pages far from what is seen only their place is kept. */
import { look } from "./api.mjs";

const PAGE = 250;
const PAGES_KEPT = 20;

export class Pages {
  /** `changed()` is called when there is something else to show; `failed(error)` when nothing can be had. */
  constructor({ asked, changed, failed }) {
    this.asked = asked;
    this.changed = changed;
    this.failed = failed;
    this.clear();
  }

  clear() {
    this.pages = []; // {cursor, count, keys | null}
    this.next = ""; // the cursor of the next page; null: there is none
    this.loading = new Set();
    this.again = new Set(); // to be loaded once more after that
    this.turn = (this.turn ?? 0) + 1; // what was asked before is dropped
  }

  get count() {
    return this.pages.reduce((sum, page) => sum + page.count, 0);
  }

  get complete() {
    return this.next === null;
  }

  /** The key at an index; undefined while its page is away. */
  key(index) {
    const [page, within] = this.place(index);
    return page?.keys?.[within];
  }

  place(index) {
    for (const page of this.pages) {
      if (index < page.count) return [page, index];
      index -= page.count;
    }
    return [undefined, 0];
  }

  /** See to it that these are here, and forget what is far away. */
  want(first, last) {
    let start = 0;
    const wanted = this.pages.filter((page) => {
      const near = start < last + PAGE && start + page.count > first - PAGE;
      start += page.count;
      return near;
    });
    for (const page of wanted) if (page.keys === null) this.load(page);
    if (this.next !== null && last >= this.count - PAGE / 2) this.load(null);
    const kept = this.pages.filter((page) => page.keys !== null);
    if (kept.length > PAGES_KEPT) for (const page of kept) if (!wanted.includes(page)) page.keys = null;
  }

  /** Ask again for what is seen. */
  refresh(first, last) {
    let start = 0;
    for (const page of [...this.pages]) {
      if (start < last && start + page.count >= first) this.load(page);
      start += page.count;
    }
    if (!this.pages.length || this.pages.at(-1).count === 0) this.load(this.pages.at(-1) ?? null);
  }

  async load(page) {
    const cursor = page === null ? this.next : page.cursor;
    if (cursor === null) return;
    if (this.loading.has(cursor)) {
      if (page !== null) this.again.add(cursor); // what it brings may be from before
      return;
    }
    this.loading.add(cursor);
    const turn = this.turn;
    try {
      const answer = await look("keys/list", { ...this.asked(), cursor, limit: PAGE });
      if (turn !== this.turn) return;
      this.put(page, cursor, answer);
      this.changed();
    } catch (error) {
      if (turn === this.turn) this.failed(error);
    } finally {
      if (turn === this.turn) {
        this.loading.delete(cursor);
        const here = this.pages.find((each) => each.cursor === cursor);
        if (this.again.delete(cursor) && here) this.load(here);
      }
    }
  }

  put(page, cursor, answer) {
    if (page === null) {
      if (this.next !== cursor) return;
      this.pages.push({ cursor, following: answer.cursor, count: answer.keys.length, keys: answer.keys });
      this.next = answer.cursor;
      return;
    }
    const at = this.pages.indexOf(page);
    if (at < 0) return;
    page.keys = answer.keys;
    page.count = answer.keys.length;
    if (page.following !== answer.cursor) { // keys came or went: the pages behind begin elsewhere
      page.following = answer.cursor;
      this.pages.length = at + 1;
      this.next = answer.cursor;
    }
  }
}
