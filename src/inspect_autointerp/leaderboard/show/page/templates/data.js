"use strict";
// What the data files bring. They are scripts, since a page opened as a file may not fetch: each calls one of the two
// functions below, which is all that they may do.

const received = {};
const cards = new Map();
const loading = new Map();

function receive(name, value) { received[name] = value; }

function card(latent, records) {
  if (!cards.has(latent)) cards.set(latent, []);
  cards.get(latent).push(...records);
}

function load(source) {
  if (!loading.has(source)) {
    loading.set(source, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${source} is missing beside this page`));
      document.head.append(script);
    }));
  }
  return loading.get(source);
}

async function content(name) {
  if (!(name in received)) await load(`data/${name}.js`);
  return received[name];
}

// An element with attributes and children; whatever is a string becomes text, never markup.
function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "circle", "rect", "path"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// HTML of a context, made and escaped where the card was written: the one place where markup is taken as such.
function coloured(tag, attributes, html) {
  const made = element(tag, { ...attributes, dir: "ltr" });
  made.innerHTML = html;
  return made;
}

// The Inspect viewer does not run from files: there, links go to one that runs on this machine.
const LOCAL = location.protocol === "file:";

function viewer(view) {
  return `${LOCAL ? "http://127.0.0.1:7575/" : "view/index.html"}#/logs/${view.split("/").map(encodeURIComponent).join("/")}`;
}

const known = (value) => value !== null && value !== undefined;

function shown(value, digits = 3) { return known(value) ? value.toFixed(digits) : "–"; }

function signed(value) { return known(value) && value >= 0 ? `+${shown(value)}` : shown(value); }

function counted(value) { return known(value) ? Math.round(value).toLocaleString("en") : "–"; }

function small(value) { return known(value) ? String(Number(value.toPrecision(3))) : "–"; }

function named(name) { return name.replaceAll("_", " "); }
