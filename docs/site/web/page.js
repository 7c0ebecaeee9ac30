// The one script of a page with code: it loads what the page needs. All scripts must be loaded under one address, because a script
// that is loaded under two addresses runs twice.
import "./cell.js";

if (document.querySelector(".lesson, .course-home, .course-built, .course-milestones")) import("./marks.js");
if (document.querySelector(".lesson")) import("./lesson.js");
if (document.querySelector(".course-home")) import("./home.js");
if (document.querySelector(".course-built")) import("./built.js");
if (document.querySelector(".course-milestones")) import("./milestones.js");
