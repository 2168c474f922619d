import { render } from "preact";
import { Api, takeToken } from "./api";
import { listenToDrops } from "./drop";
import { listenToKeys } from "./keys";
import { Studio } from "./studio";
import "./style.css";
import { Hand } from "./tools/tools";
import { App } from "./ui/App";
import { Context } from "./ui/context";

const token = takeToken();
const studio = new Studio(new Api(token ?? ""));
const hand = new Hand(studio, () => studio.handMoved());

listenToKeys(studio, hand);
listenToDrops((files) => void studio.upload(files));
addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("token")) location.reload();
});

// For scripts and tests: the same object that the page uses.
declare global {
  interface Window {
    studio: Studio;
  }
}
window.studio = studio;

render(
  <Context.Provider value={{ studio, hand }}>
    <App />
  </Context.Provider>,
  document.getElementById("app")!,
);
