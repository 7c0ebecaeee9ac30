// Pans and zooms the picture with wheel, drag and pinch.

const SMALLEST = 0.04;
const LARGEST = 3;

export class PanZoom {
  constructor(root, layer, changed) {
    Object.assign(this, { root, layer, changed, x: 0, y: 0, scale: 1, covered: 0, size: { width: 1, height: 1 } });
    this.pointers = new Map();
    root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) root.addEventListener(name, (event) => this.up(event));
    // A drag that ends on a box does not count as a click on it.
    root.addEventListener("click", (event) => this.dragged && event.stopPropagation(), true);
  }

  view() {
    return { width: this.root.clientWidth || 1, height: this.root.clientHeight || 1 };
  }

  apply() {
    this.layer.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.scale})`);
    this.changed();
  }

  fit(size = this.size) {
    this.size = size;
    const { width, height } = this.view();
    this.scale = Math.min(1.25, Math.max(SMALLEST, Math.min(width / size.width, height / size.height)));
    this.x = (width - size.width * this.scale) / 2;
    this.y = Math.max(0, (height - size.height * this.scale) / 2);
    this.apply();
  }

  zoom(factor, centre = null) {
    const { width, height } = this.view();
    const [cx, cy] = centre ?? [width / 2, height / 2];
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
    this.x = cx - ((cx - this.x) * scale) / this.scale;
    this.y = cy - ((cy - this.y) * scale) / this.scale;
    this.scale = scale;
    this.apply();
  }

  /** Whether the picture is too small to read. */
  small() {
    return this.scale < (this.root.clientWidth < 600 ? 0.6 : 0.45);
  }

  /** Whether the whole picture is in view. */
  fits() {
    const { width, height } = this.view();
    const [right, bottom] = [this.x + this.size.width * this.scale, this.y + this.size.height * this.scale];
    return this.x > -2 && this.y > -2 && right < width + 2 && bottom < height + 2;
  }

  /** Put a point of the picture in the middle of the view, or as near as the picture's edges allow. */
  centre(x, y) {
    const { width, height } = this.view();
    const within = (place, room, size) => Math.min(Math.max(0, room - size), Math.max(Math.min(0, room - size), place));
    this.x = within(width / 2 - x * this.scale, width, this.size.width * this.scale);
    this.y = within(height / 2 - y * this.scale, height - this.covered, this.size.height * this.scale);
    this.apply();
  }

  /** Move the picture as little as needed to show a box well inside the view, large enough to read. */
  reveal(box) {
    if (this.small()) {
      this.scale = 0.7;
      this.centre(box.x + box.width / 2, box.y + box.height / 2);
    }
    const { width, height } = this.view();
    const margin = 40;
    if (this.fits()) return;
    const shift = (start, size, offset, room) => {
      const [low, high] = [start * this.scale + offset, (start + size) * this.scale + offset];
      if (low < margin) return margin - low;
      return high > room - margin ? room - margin - high : 0;
    };
    const [dx, dy] = [shift(box.x, box.width, this.x, width), shift(box.y, box.height, this.y, height - this.covered)];
    if (dx || dy) {
      this.x += dx;
      this.y += dy;
      this.apply();
    }
  }

  position(event) {
    const frame = this.root.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)), this.position(event));
  }

  down(event) {
    this.dragged = false;
    this.pointers.set(event.pointerId, this.position(event));
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.position(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length) {
      const [other] = others;
      const distance = (at) => Math.hypot(at[0] - other[0], at[1] - other[1]);
      if (distance(before) > 10) this.zoom(distance(now) / distance(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
      this.dragged = true;
    } else if (this.dragged || Math.hypot(now[0] - before[0], now[1] - before[1]) > 4) {
      this.dragged = true;
      this.x += now[0] - before[0];
      this.y += now[1] - before[1];
      this.apply();
    } else return; // not far enough for a drag yet: keep measuring from the start
    this.pointers.set(event.pointerId, now);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    setTimeout(() => (this.dragged = false)); // after the click event that follows immediately
  }
}
