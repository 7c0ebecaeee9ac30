// The layout of the picture: the open columns and bands, and the position of each box and line in pixels.
// Python assigns each node a column, a band, a row and an offset. Folding turns a run of columns, or a band, into one box.

export const BOX = { width: 82, height: 42, gapX: 14, gapY: 22, columnGap: 38, fold: 126, bandPad: 12, bandLabel: 16 };

/** With more boxes than this the page would be very slow, so it asks for a smaller window instead. */
export const MOST_BOXES = 2500;

const isStep = (column) => column.kind === "step" || column.kind === "part";

export class View {
  /** `open`: the range of steps that are unfolded, as numbers of the model's step columns, or null. */
  constructor(model) {
    const { columns, bands } = model.data;
    this.model = model;
    this.steps = columns.flatMap((column, number) => (isStep(column) ? [number] : []));
    this.heated = new Set(model.nodes.flatMap((node, id) => (model.heat(id) ? [node.column] : []))); // columns of wider boxes
    this.stepOfColumn = new Map(this.steps.map((column, step) => [column, step]));
    this.open = model.nodes.length <= 90 && this.steps.length > 0 ? [0, this.steps.length - 1] : null;
    this.foldedBands = new Set();
    const inBand = bands.map((_, band) => ({ band, size: 0 }));
    model.nodes.forEach((node) => (isStep(columns[node.column]) ? 0 : inBand[node.band].size++));
    let shown = inBand.reduce((sum, { size }) => sum + size, 0);
    for (const { band, size } of inBand.sort((a, b) => b.size - a.size))
      if (size > MOST_BOXES / 5 || shown > MOST_BOXES) {
        this.foldedBands.add(band);
        shown -= size;
      }
  }

  isOpen(column) {
    const step = this.stepOfColumn.get(column);
    return step === undefined || (this.open !== null && this.open[0] <= step && step <= this.open[1]);
  }

  stepOfNode(id) {
    return this.stepOfColumn.get(this.model.nodes[id].column);
  }

  /** The number of boxes that a window of steps would show. */
  boxesWith(open) {
    const before = this.open;
    this.open = open;
    const { nodes } = this.model;
    const shown = nodes.reduce((sum, node) => sum + Number(this.isOpen(node.column) && !this.foldedBands.has(node.band)), 0);
    this.open = before;
    return shown;
  }

  /** The key of a node's box. A box of folded columns has the number of its run in the key. */
  keyOf(id, runs) {
    const node = this.model.nodes[id];
    if (!this.isOpen(node.column)) return `run ${runs.get(node.column)} ${node.band}`;
    if (this.foldedBands.has(node.band)) return `band ${node.column} ${node.band}`;
    return `node ${id}`;
  }

  /** Everything to draw, in pixels: {items, edges, bands, slots, keys, width, height}. */
  lay() {
    const { columns, nodes } = this.model.data;
    const slots = this.slots(columns);
    const runs = new Map(slots.flatMap((slot) => (slot.folded ? slot.columns.map((column) => [column, slot.number]) : [])));
    const slotOf = new Map(slots.flatMap((slot) => slot.columns.map((column) => [column, slot])));
    const items = new Map();
    const keys = nodes.map((node, id) => {
      const key = this.keyOf(id, runs);
      const isNode = key.startsWith("node");
      if (!items.has(key))
        items.set(key, { key, ids: [], kind: isNode ? "node" : "fold", slot: slotOf.get(node.column), band: node.band, loop: false });
      items.get(key).ids.push(id);
      return key;
    });
    const bands = this.placeBands(items);
    let x = 24;
    for (const [place, slot] of slots.entries()) {
      slot.place = place;
      slot.x = x;
      slot.unit = this.heated.has(slot.number) ? BOX.fold : BOX.width;
      slot.wide = slot.folded ? BOX.fold : slot.units * (slot.unit + BOX.gapX) - BOX.gapX;
      x += slot.wide + BOX.columnGap;
    }
    for (const item of items.values()) this.placeItem(item, bands);
    const edges = this.edges(keys, items);
    const height = bands.length ? bands.at(-1).y + bands.at(-1).height : 0;
    return { items, edges, bands: bands.filter((band) => band.height > 0), slots, keys, width: x, height: height + 8 };
  }

  slots(columns) {
    const slots = [];
    columns.forEach((column, number) => {
      const open = this.isOpen(number);
      const last = slots.at(-1);
      if (!open && last?.folded) last.columns.push(number);
      else slots.push({ number, columns: [number], folded: !open, units: column.width, label: column.label, kind: column.kind });
    });
    return slots;
  }

  /** The bands from top to bottom, each as high as its rows. Rows without an open box take no space. */
  placeBands(items) {
    const rows = this.model.data.bands.map(() => new Set());
    for (const item of items.values()) rows[item.band].add(item.kind === "node" ? this.model.nodes[item.ids[0]].row : 0);
    let y = this.steps.length ? 34 : 8; // leave room for the columns' labels
    return this.model.data.bands.map((band, number) => {
      const used = [...rows[number]].sort((a, b) => a - b);
      const height = used.length && used.length * (BOX.height + BOX.gapY) - BOX.gapY + 2 * BOX.bandPad + BOX.bandLabel;
      const top = y + BOX.bandPad + BOX.bandLabel;
      const placed = { number, label: band.label, y, height, top, rowAt: new Map(used.map((row, place) => [row, place])) };
      y += height ? height + 8 : 0;
      return placed;
    });
  }

  placeItem(item, bands) {
    const { slot } = item;
    const band = bands[item.band];
    const node = this.model.nodes[item.ids[0]];
    item.height = BOX.height;
    if (item.kind === "node") {
      item.heat = this.model.heat(item.ids[0]) !== null;
      item.width = item.heat ? BOX.fold : BOX.width;
      item.x = slot.x + node.offset * (slot.unit + BOX.gapX) + (slot.unit - item.width) / 2;
      item.y = band.top + band.rowAt.get(node.row) * (BOX.height + BOX.gapY);
    } else {
      item.width = BOX.fold;
      item.x = slot.x + (slot.wide - BOX.fold) / 2;
      item.y = band.y + BOX.bandLabel + (band.height - BOX.bandLabel - BOX.height) / 2;
    }
  }

  /** One line between two boxes for all edges between their nodes. A run of steps that feeds itself gets a loop. */
  edges(keys, items) {
    const edges = new Map();
    const add = (from, to, cut) => {
      const [a, b] = [keys[from], keys[to]];
      if (a === b) {
        if (this.model.nodes[from].column !== this.model.nodes[to].column) items.get(a).loop = true;
        return;
      }
      const key = `${a}>${b}${cut ? " cut" : ""}`;
      if (!edges.has(key)) edges.set(key, { key, from: items.get(a), to: items.get(b), cut, pairs: [] });
      edges.get(key).pairs.push([from, to]);
    };
    this.model.nodes.forEach((node, id) => {
      node.inputs?.forEach((parent) => add(parent, id, false));
      if (node.cut !== undefined) add(node.cut, id, true);
    });
    return [...edges.values()];
  }
}
