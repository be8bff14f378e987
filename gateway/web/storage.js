/** What the browser keeps for the page. Where it keeps nothing for pages, the page keeps it until it is left. */

export class Stored {
  /** `area`: names `localStorage` or `sessionStorage`, which may throw even when they are only looked at. */
  constructor(area, name) {
    this._area = area;
    this._name = name;
    this._own = null;
  }

  get() {
    try {
      return globalThis[this._area].getItem(this._name) ?? this._own;
    } catch {
      return this._own;
    }
  }

  set(value) {
    this._own = value;
    try {
      globalThis[this._area].setItem(this._name, value);
    } catch {
      // then only we have it
    }
  }
}
