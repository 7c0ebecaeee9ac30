// Python in a worker, and the queue of what the page asks it to do.

export const settings = JSON.parse(document.querySelector("#cells")?.textContent ?? "{}"); // {sizes: {file: [bytes, compressed bytes]}}

/** An element with attributes and children. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Show a message in a place with the role status. Screen readers announce it again only if it changes. */
export function tell(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

class Python {
  worker = null;
  loading = null; // a promise if a worker exists
  before = ""; // "?again" after Python was loaded, because its files are then in the browser's cache
  onstop = []; // functions to call when the worker ends

  /** Load Python if necessary. Calls `show({loaded})` with the number of bytes received for each file. */
  load(show) {
    if (!this.loading) {
      this.worker = new Worker(new URL(`worker.js${this.before}`, import.meta.url), { type: "module" });
      this.loading = this.answer(show).then(() => (this.before = "?again"));
    }
    return this.loading;
  }

  /** Send a message to the worker (see worker.js). Calls `show(piece)` for each piece of its output, and resolves to its answer. */
  ask(message, show) {
    this.worker.postMessage(message);
    return this.answer(show);
  }

  /** The worker's final answer. Until it arrives, `stop(reason)` ends the worker and rejects the promise. */
  answer(show) {
    return new Promise((resolve, reject) => {
      this.stop = (reason, crashed = false) => {
        // while it ends, a worker may still report an error, which must not stop the next worker
        this.worker.onmessage = this.worker.onerror = null;
        this.worker.terminate();
        this.worker = this.loading = null;
        for (const act of this.onstop) act();
        reject(Object.assign(new Error(reason), { crashed }));
      };
      const fail = (reason) =>
        this.stop(this.before ? `Python failed (${reason}).` : `Python could not be loaded (${reason}). Press Run to try again.`, true);
      this.worker.onerror = (event) => fail(event.message || "one of its files is missing");
      this.worker.onmessage = ({ data }) => {
        if (data.failed) fail(data.failed);
        else if (data.done) resolve(data);
        else show(data);
      };
    });
  }

  /** End the worker. The next `load` starts another one. */
  end() {
    if (this.worker) this.stop("Stopped.");
  }

  /** Start another worker, so that the next job does not have to wait. */
  renew() {
    this.end();
    this.load(() => {}).catch(() => {}); // the next job reports the error
  }
}

export const python = new Python();

const queue = []; // the running job, followed by the waiting ones

/** Start a job when the jobs before it have ended. A job has the methods `start()` and `say(text)`. */
export async function enqueue(job) {
  if (queue.includes(job)) return;
  queue.push(job);
  if (queue.length > 1) job.say("Waiting for the code that is running.");
  else for (; queue.length; queue.shift()) await queue[0].start();
}

export function stop() {
  for (const job of queue.splice(1)) job.say("");
  python.end();
}

/** Show how much was downloaded. This is not shown in the status, because it changes too often to be read aloud. */
export function showLoaded(element, loaded) {
  const sizes = Object.entries(settings.sizes).filter(([file, [, , optional]]) => !optional || loaded[file]);
  const total = sizes.reduce((sum, [, [, packed]]) => sum + packed, 0);
  const part = ([file, [size, packed]]) => packed * Math.min(1, (loaded[file] ?? 0) / size);
  const arrived = sizes.map(part).reduce((sum, bytes) => sum + bytes, 0);
  const mb = (bytes) => (bytes / 1e6).toFixed(1);
  element.replaceChildren(
    el("progress", { max: total, value: arrived, "aria-label": "Downloaded" }),
    arrived < .99 * total ? ` ${mb(arrived)} of ${mb(total)} MB` : " Starting Python",
  );
}
