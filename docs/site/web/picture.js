// The page of a trained network, in a frame below a milestone's editor.
import { el } from "./python.js";

/** A frame that is as high as its page. The page may not run scripts. */
export function picture(html) {
  const frame = el("iframe", { title: "The loss, and what your network has learned", sandbox: "allow-same-origin", class: "milestone-picture" });
  const fit = () => {
    const inside = frame.contentDocument?.documentElement;
    if (inside) frame.style.height = `${inside.getBoundingClientRect().height + 2}px`;
  };
  frame.onload = fit;
  new ResizeObserver(fit).observe(frame);
  frame.srcdoc = html;
  return frame;
}
