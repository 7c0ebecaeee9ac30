// The minimap: the whole graph in small, with a frame around the visible part.

export class Minimap {
  constructor(canvas, panzoom) {
    this.canvas = canvas;
    this.panzoom = panzoom;
    this.items = [];
    canvas.addEventListener("pointerdown", (event) => this.go(event));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.go(event));
  }

  show(layout) {
    this.items = [...layout.items.values()];
    this.draw();
  }

  scale() {
    const { width, height } = this.panzoom.size;
    return Math.min(this.canvas.width / width, this.canvas.height / height);
  }

  draw() {
    const { canvas, panzoom } = this;
    const { width, height } = panzoom.view();
    // The minimap is only needed if the picture is not fully in view.
    const needed = !panzoom.fits();
    canvas.style.visibility = needed ? "visible" : "hidden";
    // The height of the picture that the minimap covers: boxes are revealed above it.
    panzoom.covered = needed && canvas.offsetParent?.id === "stage" ? canvas.offsetHeight : 0;
    if (!needed) return;
    const context = canvas.getContext("2d");
    const colours = getComputedStyle(canvas);
    const scale = this.scale();
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = colours.getPropertyValue("--muted");
    for (const item of this.items)
      context.fillRect(item.x * scale, item.y * scale, Math.max(1.5, item.width * scale), Math.max(1.5, item.height * scale));
    context.strokeStyle = colours.getPropertyValue("--accent");
    context.lineWidth = 2;
    const frame = [-panzoom.x, -panzoom.y, width, height].map((length) => (length / panzoom.scale) * scale);
    context.strokeRect(...frame);
  }

  go(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.scale() * (frame.width / this.canvas.width);
    this.panzoom.centre((event.clientX - frame.left) / scale, (event.clientY - frame.top) / scale);
  }
}
