// Everything that needs a browser, on one service, which the last of these tests stops.

import "./working.mjs";
import "./results.mjs";
import "./entering.mjs";
